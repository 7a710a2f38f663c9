"""The phone's mailbox: what banks and shops wrote, against a real engine."""

from __future__ import annotations

import pytest

from lab.notice_shapes import LetterRecord
from lab.verification_shapes import NoticeRecord
from lab.wallet.letters import letter_views
from lab.wallet.state import PhoneScreen
from lab.words import ENGLISH, tell
from tests.lab.core.running import Running


def letter(**changes: object) -> LetterRecord:
    body: dict[str, object] = {
        "id": "e1", "sender": "bank", "kind": "payment_made", "sentAtUs": 1_790_000_000_000_000,
        "last4": "4242", "paymentId": "pay_1", "amount": 1240, "currency": "USD",
        "merchantName": "Corner Market",
    }  # fmt: skip
    return LetterRecord.from_json({**body, **changes})


@pytest.mark.parametrize(
    ("changes", "sender", "text"),
    [
        ({}, "Lab Bank", "You paid $12.40 at Corner Market with the card ending 4242."),
        (
            {"kind": "payment_declined", "reason": "insufficient_funds"},
            "Lab Bank",
            "$12.40 at Corner Market was not paid: insufficient funds. Nothing was taken.",
        ),
        (
            {"sender": "shop", "senderName": "Tea House", "kind": "receipt"},
            "Tea House, mail",
            "Thank you for your order: $12.40, paid with the card ending 4242.",
        ),
        (
            {"kind": "card_works_again", "amount": None, "currency": "", "paymentId": None},
            "Lab Bank",
            "The card ending 4242 can pay again.",
        ),
    ],
)
def test_a_letter_is_a_sentence(changes: dict[str, object], sender: str, text: str) -> None:
    (view,) = letter_views((letter(**changes),), ())
    assert (tell(view.sender), tell(view.says)) == (sender, text)


def test_codes_stand_among_the_letters_by_time_and_unknown_kinds_are_left_out() -> None:
    code = NoticeRecord(7, "tok_1", "sms", "", "4242", "123456", 0, "dev_phone",
                        1_790_000_000_000_001)  # fmt: skip
    later = letter(id="e2", kind="lottery", sentAtUs=1_790_000_000_000_002)
    views = letter_views((later, letter()), (code,))
    assert [view.id for view in views] == ["code_7", "e1"]
    assert "123456" in tell(views[0].says)


def test_every_kind_of_letter_has_its_sentence() -> None:
    from backend.gateway import card_notices

    kinds = {
        *card_notices.BANK_WRITES.values(),
        *card_notices.SHOP_MAILS.values(),
        card_notices.STOPPED,
        card_notices.WORKS_AGAIN,
    }
    assert {f"wallet.letter.{kind}" for kind in kinds} <= set(ENGLISH)


def test_the_phone_shows_what_was_written(lab: Running) -> None:
    wallet = lab.world.wallet
    card = next(card for card in wallet.cards if card.network == "visa")
    lab.run(lab.world.hands.tap(1240, "USD", card.id))
    lab.run(lab.world.client.change_token(card.token_ref, "suspend"))
    lab.run(wallet.actions.open_letters())
    assert wallet.state.screen is PhoneScreen.LETTERS
    newest, paid = wallet.state.letters[:2]
    assert "has stopped the card" in tell(newest.says)
    assert "You paid $12.40 at Corner Market" in tell(paid.says)
    assert paid.payment_id
    lab.run(lab.world.client.change_token(card.token_ref, "resume"))
    lab.call(wallet.close)
    assert wallet.state.screen is PhoneScreen.STACK
