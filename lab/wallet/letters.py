"""The phone's mailbox: what banks and shops wrote, in sentences, newest first.

Messages come from the engine; the codes that a bank sent go past it, so they are asked of the
networks' mailbox. Knows no screen.
"""

from __future__ import annotations

from lab.amounts import format_amount
from lab.clock_text import day_and_time
from lab.notice_shapes import LetterRecord
from lab.verification_shapes import NoticeRecord
from lab.wallet.state import LetterView
from lab.words import ENGLISH, Message, message

GOOD = frozenset({"payment_made", "paid_back", "card_works_again", "receipt"})
BAD = frozenset({"payment_declined", "card_stopped"})


def letter_views(
    letters: tuple[LetterRecord, ...], codes: tuple[NoticeRecord, ...]
) -> tuple[LetterView, ...]:
    """Both kinds in one list; a kind that this phone does not know is left out."""
    dated = [
        (letter.sent_at_us, _letter(letter))
        for letter in letters
        if f"wallet.letter.{letter.kind}" in ENGLISH
    ]
    dated += [(notice.sent_at_us, _code(notice)) for notice in codes]
    dated.sort(key=lambda each: -each[0])
    return tuple(view for _, view in dated)


def _letter(letter: LetterRecord) -> LetterView:
    kind = "good" if letter.kind in GOOD else "bad" if letter.kind in BAD else "neutral"
    amount = format_amount(letter.amount_minor, letter.currency) if letter.currency else ""
    says = message(
        f"wallet.letter.{letter.kind}",
        kind,
        amount=amount,
        merchant=letter.merchant_name,
        last4=letter.last4,
        reason=letter.reason.replace("_", " ") or "no reason given",
    )
    sender = Message("wallet.letter.from_bank")
    if letter.sender == "shop":
        sender = message("wallet.letter.from_shop", shop=letter.sender_name)
    at_text = day_and_time(letter.sent_at_us)
    return LetterView(letter.id, sender, at_text, says, letter.payment_id)


def _code(notice: NoticeRecord) -> LetterView:
    says = message(f"wallet.notice.{notice.method}", code=notice.code, last4=notice.last4)
    at_text = day_and_time(notice.sent_at_us)
    return LetterView(f"code_{notice.id}", Message("wallet.letter.from_bank"), at_text, says)
