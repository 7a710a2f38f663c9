"""Many taps under a mix of faults, kills and restarts, then a quiet end: nothing is left over."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.payments.idempotency import KeyInFlight
from backend.switch.answers import NotSent, Unknown

BEHAVIOURS = {
    "approves": lambda networks: networks.says("00"),
    "declines": lambda networks: networks.says("51"),
    "not sent": lambda networks: networks.not_sent("breaker_open"),
    "lost response": lambda networks: networks.breaks("reset", host_said="00"),
    "lost decline": lambda networks: networks.breaks("reset", host_said="51"),
    "lost request": lambda networks: networks.breaks("undecodable", host_said=None),
    "late approval": lambda networks: networks.answers_late("00", after_s=4),
    "very late approval": lambda networks: networks.answers_late("00", after_s=90),
    "late decline": lambda networks: networks.answers_late("51", after_s=4),
    "silence": lambda networks: networks.answers_late(None, after_s=29),
}
TAPS = st.tuples(
    st.just("tap"), st.sampled_from(sorted(BEHAVIOURS)), st.integers(1, 4), st.booleans()
)
STEPS = st.lists(
    st.one_of(
        TAPS,
        TAPS,
        st.tuples(st.just("time"), st.sampled_from([1, 6, 40, 400])),
        st.tuples(st.just("retry"), st.integers(0, 30)),
        st.tuples(st.just("kill"), st.integers(1, 4), st.booleans()),
        st.tuples(st.just("deaf"), st.sampled_from([NotSent("breaker_open"), Unknown("timeout")])),
    ),
    min_size=4,
    max_size=20,
)


class Story:
    """A laboratory, the taps it has seen, and what each till was told for good."""

    def __init__(self, lab, order):
        self.lab, self.order = lab, order
        self.orders = []
        self.final = {}
        self.atc = 0

    def tap(self, behaviour, step, second_card):
        self.atc = min(self.atc + step, 65_535)
        self.lab.networks.behaviours.append(BEHAVIOURS[behaviour](self.lab.networks))
        token = "5555555555554444" if second_card else "4761739001010010"
        self.orders.append(self.order(atc=self.atc, token=token))
        self.send(len(self.orders) - 1)

    def retry(self, number):
        if self.orders:
            self.send(number % len(self.orders))

    def send(self, number):
        try:
            reply = self.lab.pay(self.orders[number], f"k{number}")
        except KeyInFlight:
            return
        except BaseException:
            if not self.lab.database.dead:
                raise
            self.restart()
            return
        if orjson.loads(reply.body)["status"] in {"approved", "declined"}:
            assert self.final.setdefault(number, reply.body) == reply.body

    def time(self, seconds):
        try:
            self.lab.pass_time(seconds)
        except BaseException:
            if not self.lab.database.dead:
                raise
        if self.lab.database.dead:
            self.restart()

    def kill(self, commits, after):
        database = self.lab.database
        database.kill_at, database.after_commit = database.writes + commits, after

    def deaf(self, fault):
        self.lab.networks.follow_up_faults.append(fault)

    def restart(self):
        self.lab.networks.behaviours.clear()
        self.lab.restart()
        assert self.lab.red_checks() == []
        self.lab.run(self.lab.engine.recover())

    def quiet_end(self):
        self.lab.database.kill_at = None
        self.lab.networks.follow_up_faults.clear()
        self.time(3 * 86_400)
        for number in range(len(self.orders)):
            self.lab.networks.behaviours.clear()
            self.send(number)
        self.time(600)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(steps=STEPS)
def test_whatever_the_mix_every_story_ends_without_a_stray_hold(build_lab, order, steps):
    """Slower than others: each example is a new store and a simulated week."""
    with tempfile.TemporaryDirectory() as folder:
        lab = build_lab(Path(folder) / "engine.db")
        story = Story(lab, order)
        for name, *arguments in steps:
            getattr(story, name)(*arguments)
        story.quiet_end()
        assert lab.red_checks() == []
        states = Counter(lab.states())
        assert states.keys() <= {"approved", "declined", "reversed", "not_sent"}
        assert lab.networks.holds() == states["approved"]
        told = Counter(orjson.loads(body)["approved"] for body in story.final.values())
        assert told[True] == states["approved"]
        lab.close()
