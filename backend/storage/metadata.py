"""The one schema of the engine's own database: every table module adds to this metadata.

Column types are the driver's plain ones (INTEGER, TEXT, BLOB), because hot statements run on the
driver's cursor: times are integer microseconds (`…_us`), money integer minor units, JSON is text.
"""

from __future__ import annotations

from sqlalchemy import MetaData

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

engine_metadata = MetaData(naming_convention=NAMING)
host_metadata = MetaData(naming_convention=NAMING)
