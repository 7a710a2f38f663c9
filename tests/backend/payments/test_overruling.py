"""A card that is suspended or removed while its payment is on the wire: a no, and no hold."""

from __future__ import annotations

import pytest


def ended_while_on_the_wire(lab, order, happening: str, *, code: str = "00"):
    """A payment during which something happens to its card; the till's reply."""

    async def story():
        paying = lab.scheduler.spawn(lab.paying(order(), "T0000001-000001"), "payment")
        await lab.scheduler.sleep(0.1)
        lab.change(happening)
        return await paying

    lab.networks.behaviours.append(lab.networks.says(code, after_s=0.3))
    return lab.run(story())


HELD = "UPDATE provisioned_cards SET status = 'suspended', suspended_by = 'CARDHOLDER'"
SUSPEND = f"{HELD} WHERE token_ref = 'tok_1'"


@pytest.mark.inv(56, 59)
@pytest.mark.parametrize(
    "happening",
    [
        SUSPEND,
        "DELETE FROM provisioned_cards WHERE token_ref = 'tok_1'",
    ],
)
def test_an_approval_that_a_suspension_overtook_is_none(lab, order, answer, happening):
    body = answer(ended_while_on_the_wire(lab, order, happening))
    assert (body["approved"], body["status"], body["reason"]) == (
        False,
        "declined",
        "token_not_active",
    )
    assert (body["authCode"], body["responseCode"], body["requiresFollowup"]) == (None, None, False)
    assert lab.states() == ["reversing"]
    lab.pass_time(10)
    assert lab.states() == ["reversed"]
    assert lab.networks.holds() == 0
    again = lab.pay(order())
    assert again.replayed
    assert answer(again) == body, "the till's answer stays for ever"
    assert lab.one("SELECT last_atc FROM token_atc")["last_atc"] == 1
    assert lab.red_checks() == []


def test_a_decline_is_the_networks_own(lab, order, answer):
    body = answer(ended_while_on_the_wire(lab, order, SUSPEND, code="51"))
    assert (body["status"], body["reason"]) == ("declined", "insufficient_funds")
    assert lab.states() == ["declined"]
    assert lab.red_checks() == []


def test_another_cards_suspension_changes_nothing(lab, order, answer):
    other = f"{HELD} WHERE token_ref = 'tok_2'"
    assert answer(ended_while_on_the_wire(lab, order, other))["approved"]


def test_a_token_refreshed_meanwhile_has_paid(lab, order, answer):
    refresh = "UPDATE provisioned_cards SET token_ref = 'tok_9' WHERE token_ref = 'tok_1'"
    assert answer(ended_while_on_the_wire(lab, order, refresh))["approved"]
    assert lab.red_checks() == []


def test_a_kill_after_the_overruling_ends_in_the_reversal(lab, order):
    ended_while_on_the_wire(lab, order, SUSPEND)
    lab.restart()
    lab.run(lab.engine.recover())
    lab.pass_time(10)
    assert lab.states() == ["reversed"]
    assert lab.networks.holds() == 0
    assert lab.red_checks() == []
