"""Card accounts at their issuers: found by card number, opened when a number is first seen.

One account a number, whether a token stands for it or the number itself was typed into a shop: the
limit is one. Refuses to know what is asked of an account.
"""

from __future__ import annotations

from dataclasses import dataclass

from backend.networks import numbers
from backend.networks.number_access import Numbers
from backend.networks.ports import AccountRow, HostRows
from backend.runtime.clock import Clock
from backend.runtime.entropy import Stream, identifier


@dataclass(frozen=True, slots=True)
class CardAccounts:
    """The accounts behind one network's cards.

    Attributes:
        secrets: where identifiers and account references come from.
    """

    network: str
    held: Numbers
    clock: Clock
    secrets: Stream

    def of_number(self, rows: HostRows, number: str) -> AccountRow:
        """The account of a card number, opened now if nobody has seen the number before."""
        fingerprint = self.held.fingerprint(number)
        account = rows.account_of_number(self.network, fingerprint)
        if account is not None:
            return account
        card = numbers.test_card(number)
        account_id = identifier(self.secrets, "acc")
        account = AccountRow(
            account_id=account_id,
            network=self.network,
            number_fingerprint=fingerprint,
            sealed_number=self.held.seal_card(number, account_id),
            last4=number[-4:],
            account_reference=numbers.draw_account_reference(self.network, self.secrets),
            card_type=card.card_type,
            product=card.product,
            created_at_us=self.clock.now_us(),
        )
        rows.add_account(account)
        return account
