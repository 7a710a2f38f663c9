"""Randomness repeats by name and seed; events are numbered once and travel unchanged."""

from __future__ import annotations

import json

import pytest

from backend.runtime.clock import LabClock
from backend.runtime.entropy import POSITION_MAX, Entropy, SeededStream, identifier, read_positions
from backend.runtime.events import EventLog, event_from_json


def test_a_stream_depends_on_seed_and_name_only():
    one, two = Entropy(7), Entropy(7)
    one.stream("other").bytes(100)
    assert one.stream("switch.visa").bytes(16) == two.stream("switch.visa").bytes(16)
    assert Entropy(8).stream("switch.visa").bytes(16) != Entropy(7).stream("switch.visa").bytes(16)
    assert Entropy(7).stream("a").bytes(16) != Entropy(7).stream("b").bytes(16)


def draws(stream: SeededStream) -> list[object]:
    """A few of each kind; their numbers of words differ."""
    return [
        stream.random(),
        stream.bytes(3),
        stream.bytes(0),
        [stream.randint(1, 100) for _ in range(20)],
        stream.randint(-(2**40), 2**70),
        stream.choice("abcdefg"),
        stream.randint(5, 5),
    ]


def test_sequences_of_earlier_versions_stay_what_they_were():
    stream = SeededStream(7, "x")
    assert stream.random() == pytest.approx(0.08156571399610235, abs=0)
    assert stream.bytes(5).hex() == "9badb365f6"
    assert [stream.randint(1, 6) for _ in range(12)] == [4, 5, 5, 4, 3, 6, 4, 3, 5, 5, 5, 2]
    assert stream.choice("abcdefg") == "a"
    assert stream.randint(-(2**40), 2**70) == 83060088937335732721


def test_a_stream_goes_on_from_its_position():
    first = Entropy(7)
    draws(first.stream("a"))
    first.stream("b").bytes(2_000_000)
    kept = read_positions(json.loads(json.dumps(first.positions())))
    second = Entropy(7, positions=kept)
    assert second.positions() == first.positions()  # also of those nobody asked for since
    assert [draws(second.stream(n)) for n in "abc"] == [draws(first.stream(n)) for n in "abc"]
    assert second.positions() == first.positions()


@pytest.mark.parametrize(
    "body", [[], "a", {"a": -1}, {"a": 1.5}, {"a": True}, {"a": None}, {"a": POSITION_MAX + 1}]
)
def test_what_is_no_position_is_refused(body):
    with pytest.raises(ValueError, match="random stream"):
        read_positions(body)


def test_secrets_repeat_only_in_a_simulated_world():
    assert Entropy(7).secret("key").bytes(32) != Entropy(7).secret("key").bytes(32)
    sealed = [Entropy(7, simulated=True).secret("key").bytes(32) for _ in range(2)]
    assert sealed[0] == sealed[1]


def test_identifiers_say_what_they_are():
    name = identifier(Entropy(1).stream("ids"), "pay")
    assert name.startswith("pay_")
    assert len(name) == 4 + 24


def test_an_event_travels_unchanged():
    log = EventLog(LabClock(), source="engine", first_seq=41)
    event = log.emit("payment.approved", actor="engine", payment_id="pay_1", data={"code": "00"})
    assert event.id == "engine-41"
    assert event_from_json(event.to_json()) == event


@pytest.mark.parametrize("change", [{"seq": "1"}, {"seq": None}, {"lab_time_us": 1.5}])
def test_an_envelope_with_a_wrong_field_is_refused(change):
    body = EventLog(LabClock(), source="engine").emit("x", actor="y").to_json()
    with pytest.raises(ValueError, match="not an event envelope"):
        event_from_json(body | change)
    body.pop("seq")
    with pytest.raises(ValueError, match="seq"):
        event_from_json(body)


def test_subscribers_hear_events_until_they_leave():
    log = EventLog(LabClock(), source="lab")
    heard = []
    leave = log.subscribe(heard.append)
    first = log.emit("one", actor="person")
    leave()
    second = log.emit("two", actor="person")
    assert heard == [first]
    assert log.recent(after_seq=first.seq) == [second]
