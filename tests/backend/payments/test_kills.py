"""The process dies before or after any commit; restart and retry bring every story to an end."""

from __future__ import annotations

import orjson
import pytest

from backend.payments.idempotency import KeyInFlight

SCENARIOS = {
    # name: (behaviours of the network, commits of the whole story when nobody dies)
    "approved": (lambda networks: [networks.says("00")], 3),
    "declined": (lambda networks: [networks.says("51")], 3),
    "not sent": (lambda networks: [networks.not_sent("no_connection")], 3),
    "lost response": (lambda networks: [networks.breaks("reset", host_said="00")], 5),
    "lost request": (lambda networks: [networks.breaks("reset", host_said=None)], 5),
    "late approval": (lambda networks: [networks.answers_late("00", after_s=2)], 5),
    "late decline": (lambda networks: [networks.answers_late("51", after_s=2)], 4),
    "silence": (lambda networks: [networks.answers_late(None, after_s=29)], 6),
}
KILLS = [
    (name, commit, after)
    for name, (_, commits) in SCENARIOS.items()
    for commit in range(1, commits + 1)
    for after in (False, True)
]


def tell_story(lab, order):
    """One payment and the hour after it; the till's answer if the process lived to give one."""
    try:
        told = lab.pay(order())
        lab.pass_time(3_600)
    except BaseException:
        if not lab.database.dead:
            raise
        return None
    return told


def retry_until_final(lab, order):
    """What a till does after a restart: the same request until the answer is final."""
    for _ in range(10):
        try:
            reply = lab.pay(order())
        except KeyInFlight:
            pytest.fail("after recovery no key is in flight")
        if orjson.loads(reply.body)["status"] in {"approved", "declined"}:
            return reply
        lab.pass_time(60)
    pytest.fail("the outcome stayed open")


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_scenario_has_the_commits_that_are_killed_below(lab, order, name):
    behaviours, commits = SCENARIOS[name]
    lab.networks.behaviours.extend(behaviours(lab.networks))
    tell_story(lab, order)
    assert lab.database.writes == commits
    assert lab.red_checks() == []


@pytest.mark.parametrize(("name", "commit", "after"), KILLS)
def test_a_kill_at_any_commit_loses_nothing_and_holds_nothing(lab, order, name, commit, after):
    behaviours, _ = SCENARIOS[name]
    lab.networks.behaviours.extend(behaviours(lab.networks))
    lab.database.kill_at, lab.database.after_commit = commit, after
    told = tell_story(lab, order)
    assert lab.database.dead
    lab.restart()
    assert lab.red_checks() == []
    lab.run(lab.engine.recover())
    lab.pass_time(3_600)
    final = retry_until_final(lab, order)
    assert lab.red_checks() == []
    if told is not None and orjson.loads(told.body)["status"] in {"approved", "declined"}:
        assert final.body == told.body
    assert len({request.reference for request in lab.networks.authorizations}) <= 1
    approved = orjson.loads(final.body)["approved"]
    assert lab.networks.holds() == (1 if approved else 0)
    assert lab.pay(order()).body == final.body
