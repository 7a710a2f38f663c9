"""What `verify` asks of the card vault: each entry selects the offenders, none is well.

That records open is not asked here: `verify` has no key.
"""

from __future__ import annotations

from sqlalchemy import Select, exists, func, literal_column, not_, select

from backend.storage.payment_tables import payments
from backend.storage.vault_tables import vault_cards, vault_codes, vault_keys

_web = payments.c.transaction_type == literal_column("'web'")
_waiting = payments.c.state.in_([literal_column("'authorizing'"), literal_column("'not_sent'")])

VAULT_OFFENDERS: dict[str, Select[tuple[str]]] = {
    "vault records have their keys": select(vault_cards.c.id.label("offender")).where(
        ~exists().where(vault_keys.c.version == vault_cards.c.key_version)
    ),
    "vault keys are wrapped alike": select(func.max(vault_keys.c.version).label("offender")).having(
        func.count(vault_keys.c.kek.distinct()) > literal_column("1")
    ),
    "web payments have their cards": select(payments.c.id.label("offender")).where(
        _web,
        ~exists().where(
            vault_cards.c.id == payments.c.card_id,
            vault_cards.c.merchant_id == payments.c.merchant_id,
        ),
    ),
    "security codes do not outlive their payment": select(
        vault_codes.c.card_id.label("offender")
    ).where(
        exists().where(
            payments.c.card_id == vault_codes.c.card_id,
            payments.c.created_at_us > vault_codes.c.kept_at_us,
            not_(_waiting),
        )
    ),
}
