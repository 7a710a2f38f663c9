"""The lab's cards that may approve small payments by themselves: one a network.

Published test numbers, which the networks know as "Pocket" and personalise with an allowance. They
are no demo cards: every other card asks its bank of everything.
"""

from __future__ import annotations

from lab.wallet.add_card import CardDraft

POCKET_CARDS = {
    "visa": CardDraft("4917610000000000", "1230", "123", terms=True),
    "mastercard": CardDraft("5454545454545454", "1230", "123", terms=True),
    "amex": CardDraft("378734493671000", "1230", "1234", terms=True),
}
