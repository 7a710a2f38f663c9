"""Torn and relayed Mastercard taps in a whole laboratory: real engine, real certificates."""

from __future__ import annotations

import pytest

from hardware.api import Outcome, TapResult
from lab.json_fields import Json
from lab.pos.sale import Sale
from lab.pos.state import PosPhase
from lab.words import tell
from tests.lab.core.running import Running

GENERATE_AT = 7
"""PPSE, SELECT, GPO, relay resistance, two records, GENERATE AC."""


def put(lab: Running, *faults: Json) -> None:
    lab.run(lab.world.client.put_faults(faults))


def tap(lab: Running, amount_minor: int = 1900) -> Sale:
    card = next(each.id for each in lab.world.wallet.cards if each.network == "mastercard")
    sale = lab.run(lab.world.hands.tap(amount_minor, "USD", card))
    assert sale is not None
    return sale


def kernel_of(sale: Sale) -> TapResult:
    assert sale.tap is not None
    return sale.tap


def counted(lab: Running) -> int:
    tokens = lab.world.element.tokens()
    return next(token.atc for token in tokens if token.network == "mastercard")


def payments(lab: Running) -> set[str]:
    lab.run(lab.world.forwarding.flush())
    return {payment.id for payment in lab.run(lab.world.client.payments())}


def test_a_whole_tap_reads_two_records_and_measures_the_way(lab: Running) -> None:
    result = kernel_of(tap(lab))
    assert result.apdu_count == GENERATE_AT
    assert [exchange.command[1] for exchange in result.exchanges] == [
        0xA4, 0xA4, 0xA8, 0xEA, 0xB2, 0xB2, 0xAE,
    ]  # fmt: skip
    assert result.findings == "0000008002", "authenticated, over the floor limit, measured"
    assert all(len(exchange.response) <= 255 for exchange in result.exchanges)


def test_torn_after_the_cryptogram_one_authorization_is_booked(lab: Running) -> None:
    before, atc = payments(lab), counted(lab)
    put(lab, {"link": "card", "effect": "pull", "at_apdu": GENERATE_AT})
    torn = tap(lab)
    assert (torn.phase, counted(lab)) == (PosPhase.TRY_AGAIN, atc + 1)
    assert payments(lab) == before, "nothing went online"
    put(lab)
    again = tap(lab)
    assert again.phase is PosPhase.APPROVED
    assert kernel_of(again).recovered
    assert (kernel_of(again).atc, counted(lab)) == (atc + 1, atc + 1)
    assert len(payments(lab) - before) == 1
    # The next one is an ordinary tap again.
    after = tap(lab)
    assert (after.phase, kernel_of(after).recovered) == (PosPhase.APPROVED, False)
    assert counted(lab) == atc + 2


def test_torn_and_another_amount_is_another_cryptogram(lab: Running) -> None:
    atc = counted(lab)
    put(lab, {"link": "card", "effect": "pull", "at_apdu": GENERATE_AT})
    tap(lab, 2000)
    put(lab)
    other = tap(lab, 2100)
    assert (other.phase, kernel_of(other).recovered) == (PosPhase.APPROVED, False)
    assert counted(lab) == atc + 2


@pytest.mark.parametrize(("ms", "outcome"), [(5, Outcome.ONLINE_REQUEST), (60, Outcome.DECLINED)])
def test_a_relay_is_seen_by_its_time(lab: Running, ms: int, outcome: Outcome) -> None:
    """Over 0.25 s: the relay really takes its time, up to nine times."""
    put(lab, {"link": "card", "effect": "relay", "ms": ms})
    sale = tap(lab)
    assert kernel_of(sale).outcome is outcome
    if outcome is Outcome.DECLINED:
        assert kernel_of(sale).reason == "relay_suspected"
        assert sale.phase is PosPhase.DECLINED
        assert tell(lab.world.pos.state.detail) == "The card seems to be somewhere else"
