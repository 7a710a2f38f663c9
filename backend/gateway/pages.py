"""Which part of a list is wanted, as rows are asked for it.

Identifiers sort by time, so a page is a range of identifiers, newest first. Knows no list.
"""

from __future__ import annotations

from dataclasses import dataclass

LIMIT_DEFAULT = 10
LIMIT_MAX = 100


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list.

    Attributes:
        limit: at most so many are shown.
        before_id: only identifiers that sort before this one (`starting_after`: older).
        after_id: only identifiers that sort after this one (`ending_before`: newer).
        from_us: made at or after this lab time, microseconds.
        to_us: made before this lab time, microseconds.
    """

    limit: int = LIMIT_DEFAULT
    before_id: str | None = None
    after_id: str | None = None
    from_us: int | None = None
    to_us: int | None = None

    @property
    def rows(self) -> int:
        """How many rows to fetch: one more than are shown tells whether there are more."""
        return self.limit + 1

    @property
    def is_backwards(self) -> bool:
        """Whether the rows next to `after_id` are wanted: fetch them oldest first."""
        return self.after_id is not None
