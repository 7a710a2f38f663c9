"""One key, sixty-four tills, a lost answer: one authorization at the network, one hold at most."""

from __future__ import annotations

import pytest

from tests.shows.laboratory import IN_FLIGHT, OK, Laboratory, race, rows_of

RACERS = 64


@pytest.mark.inv(81, 107, 109)
def test_sixty_four_requests_with_one_key_are_one_authorization(shared_lab: Laboratory) -> None:
    [order] = shared_lab.orders([7001])
    shared_lab.faults({"link": "visa.auth", "effect": "latency", "ms": 150})
    answers, refused = shared_lab.run(race(shared_lab, order.to_json(), "key-64", RACERS))

    assert len(answers) == RACERS
    assert {answer.status_code for answer in answers} == {OK}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["approved"]
    assert len(refused) >= RACERS - 1  # every other one came while the first was at work
    for each in refused:
        assert each.status_code == IN_FLIGHT
        assert float(each.headers["Retry-After"]) > 0
        assert each.json()["code"] == "key_in_flight"

    seen = shared_lab.at_networks(
        "SELECT response_code FROM host_authorizations WHERE amount_minor = 7001"
    )
    assert seen == [("00",)]
    assert shared_lab.holds(7001) == ["held"]
    payments = shared_lab.send("GET", "/lab/payments?limit=500").json()["payments"]
    assert [p["state"] for p in payments if p["amount_minor"] == 7001] == ["approved"]

    again = shared_lab.pay(order, "key-64")
    assert again.content == answers[0].content
    assert again.headers["Idempotent-Replayed"] == "true"
    changed = {**order.to_json(), "tapId": "tap_other"}
    assert shared_lab.pay(changed, "key-64").status_code == 422


@pytest.mark.inv(107)
def test_a_lost_answer_leaves_no_hold(own_lab: Laboratory) -> None:
    """The answer is lost on the socket, after the network has put the money aside."""
    [order] = own_lab.orders([7002])
    own_lab.faults({"link": "visa.auth", "effect": "lost_response", "when": {"nth": 1}})
    answers, refused = own_lab.run(race(own_lab, order.to_json(), "key-lost", RACERS))
    assert refused
    statuses = {answer.json()["status"] for answer in answers}
    assert statuses == {"pending"}
    assert own_lab.holds(7002) == ["held"]  # the network did its part, and nobody was told

    own_lab.run(own_lab.world.client.move_clock({"jump_s": 31}))
    own_lab.until(lambda: own_lab.holds(7002) == ["released"])

    own_lab.until(lambda: _state_of(own_lab, 7002) == "reversed")
    told = own_lab.pay(order, "key-lost")
    assert told.json()["status"] == "declined"
    assert not told.json()["approved"]
    assert own_lab.pay(order, "key-lost").content == told.content
    assert own_lab.holds(7002) == ["released"]
    fired = own_lab.run(own_lab.world.client.faults())
    assert [fault["fired"] for fault in fired] == [1]


def _state_of(lab: Laboratory, amount_minor: int) -> object:
    found = rows_of(
        lab.folder / "engine.db", "SELECT state FROM payments WHERE amount_minor = ?", amount_minor
    )
    return found[0][0]
