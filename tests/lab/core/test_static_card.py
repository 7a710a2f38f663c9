"""A card whose issuer signed its data once and for all, from the add-card form to the bank."""

from __future__ import annotations

from hardware.api import TapResult
from lab.pos.state import PosPhase
from lab.wallet.add_card import CardDraft
from tests.lab.core.running import Running

STATIC = CardDraft("371449635398431", "1230", "1234", terms=True)


def test_a_static_card_is_checked_and_pays(own_lab: Running) -> None:
    """Over 0.25 s: a laboratory of its own, with real keys."""
    lab = own_lab
    wallet = lab.world.wallet
    lab.call(wallet.begin_add)
    typed = (("number", STATIC.number), ("expiry", STATIC.expiry), ("cvv", STATIC.cvv),
             ("terms", "1"))  # fmt: skip
    for name, text in typed:
        lab.call(lambda name=name, text=text: wallet.edit_add(name, text))
    lab.until(lambda: wallet.state.add.can_submit)
    lab.run(wallet.submit_add())
    (card,) = wallet.cards
    lab.run(lab.world.believing.learn())
    sale = lab.run(lab.world.hands.tap(1240, "USD", card.id))
    assert sale is not None
    assert sale.phase is PosPhase.APPROVED
    assert isinstance(sale.tap, TapResult)
    assert "static_authentication" in sale.tap.steps
    assert (sale.tap.kernel, sale.tap.apdu_count, sale.tap.findings) == (4, 6, "0000008000")
