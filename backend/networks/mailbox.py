"""What banks sent to cardholders: texts, e-mails, calls and notices in their apps.

In the field they go past the wallet, straight to the person; here a person reads them in this
mailbox. Codes lie in it as ciphertext and are opened for whoever may ask. Knows no verification.
"""

from __future__ import annotations

from backend.networks.ports import HostStore, NoticeRow
from backend.networks.tsp_terms import Notice
from backend.networks.vault import NetworkVault

PAGE_MAX = 100


class Mailbox:
    """The notices of all networks, in the order in which they were sent."""

    def __init__(self, store: HostStore, vault: NetworkVault) -> None:
        self._store = store
        self._vault = vault

    def after(self, notice_id: int, limit: int = PAGE_MAX) -> list[Notice]:
        """Notices after that one, the oldest first."""
        rows = self._store.read(lambda r: r.notices(notice_id, min(limit, PAGE_MAX)))
        return [self._opened(row) for row in rows]

    def _opened(self, row: NoticeRow) -> Notice:
        record = f"{row.token_ref}|{row.method}"
        code = self._vault.unseal(row.sealed_code, row.network, record, "code").decode()
        return Notice(
            id=row.id,
            network=row.network,
            wallet_id=row.wallet_id,
            device_id=row.device_id,
            token_ref=row.token_ref,
            method=row.method,
            destination=row.destination,
            last4=row.last4,
            code=code,
            sent_at_us=row.sent_at_us,
            expires_at_us=row.expires_at_us,
        )
