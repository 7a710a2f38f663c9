"""The only door to the numbers in a network's vault; whoever opens one leaves a line.

The line is written in the unit of work that the number is opened for, so neither is there without
the other. Knows no rule of tokens and no SQL.
"""

from __future__ import annotations

from backend.networks.access_log import AccessLine, Purpose
from backend.networks.ports import AccountRow, HostRows, TokenRow
from backend.networks.vault import NetworkVault
from backend.runtime.clock import Clock

NUMBER, TOKEN = "number", "token"


class Numbers:
    """Seals and opens the numbers of one network."""

    def __init__(self, network: str, vault: NetworkVault, clock: Clock) -> None:
        self._network = network
        self._vault = vault
        self._clock = clock

    def fingerprint(self, digits: str) -> bytes:
        """Keyed hash by which a card or token number is found."""
        return self._vault.fingerprint(digits)

    def seal_card(self, digits: str, account_id: str) -> bytes:
        """A card number, for its account's row alone."""
        return self._vault.seal(digits.encode(), self._network, account_id, NUMBER)

    def seal_token(self, digits: str, token_ref: str) -> bytes:
        """A token's number, for its own row alone."""
        return self._vault.seal(digits.encode(), self._network, token_ref, TOKEN)

    def open_card(
        self, rows: HostRows, account: AccountRow, token_ref: str, purpose: Purpose
    ) -> str:
        """The digits of an account's card.

        Args:
            rows: the unit of work that they are for; takes the line.
            account: whose card.
            token_ref: the token on whose account it is opened.
            purpose: what for.

        Raises:
            StorageError: the number does not open.
        """
        digits = self._open(account.sealed_number, account.account_id, NUMBER)
        self._note(rows, purpose, NUMBER, account.account_id, token_ref)
        return digits

    def open_token(self, rows: HostRows, token: TokenRow, purpose: Purpose) -> str:
        """The digits of a token; arguments and errors as for a card's."""
        digits = self._open(token.sealed_token, token.token_ref, TOKEN)
        self._note(rows, purpose, TOKEN, token.token_ref, token.token_ref)
        return digits

    def _open(self, sealed: bytes, record: str, field: str) -> str:
        return self._vault.unseal(sealed, self._network, record, field).decode()

    def _note(
        self, rows: HostRows, purpose: Purpose, field: str, record: str, token_ref: str
    ) -> None:
        rows.add_access(
            AccessLine(self._clock.now_us(), self._network, purpose.value, field, record, token_ref)
        )
