"""What `verify` asks of transaction counters: each entry selects the offenders, none is well."""

from __future__ import annotations

from sqlalchemy import Select, and_, exists, literal_column, not_, select

from backend.storage.payment_tables import atc_reservations, payments, token_atc

COUNTER_OFFENDERS: dict[str, Select[tuple[str]]] = {
    "each counter once a token": select(payments.c.id.label("offender")).where(
        payments.c.rrn.is_not(None),
        payments.c.transaction_type != literal_column("'web'"),  # where no chip took part
        ~exists().where(
            atc_reservations.c.token_ref == payments.c.token_ref,
            atc_reservations.c.atc == payments.c.atc,
            atc_reservations.c.payment_id == payments.c.id,
        ),
        # A forged cryptogram's counter may have gone to the genuine one; it was declined.
        not_(
            and_(
                payments.c.state == literal_column("'declined'"),
                exists().where(
                    atc_reservations.c.token_ref == payments.c.token_ref,
                    atc_reservations.c.atc == payments.c.atc,
                ),
            )
        ),
    ),
    "watermarks come from sent counters": select(token_atc.c.token_ref.label("offender")).where(
        ~exists().where(
            atc_reservations.c.token_ref == token_atc.c.token_ref,
            atc_reservations.c.atc == token_atc.c.last_atc,
            atc_reservations.c.forged == literal_column("0"),
        )
    ),
}
