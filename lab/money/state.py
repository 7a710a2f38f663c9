"""What the money place shows: immutable values, the same few shapes for every section.

A section is figures, a table, what can be done, and one row in full. So the view knows tables and
no money, and a further section is a further way to shape the engine's answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lab.words import Message


class Section(Enum):
    """The sections, in the order of their tabs."""

    LEDGER = "ledger"
    SETTLEMENT = "settlement"
    WEBHOOKS = "webhooks"
    DISPUTES = "disputes"
    MERCHANTS = "merchants"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number above the table.

    Attributes:
        label: word key of what it is.
        kind: colour and shape, as of a `Message`.
        note: what stands behind the label, such as a currency.
    """

    label: str
    value: str
    kind: str = "neutral"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: word key after `money.column.`.
        width_px: 0 takes what is left.
        is_amount: to the right, figures under each other.
        when_wide: left out where there is no room for all; the row in full tells it, too.
    """

    name: str
    width_px: int = 0
    is_amount: bool = False
    when_wide: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        id: what the row is, for choosing it again after a refresh.
        cells: one text a column.
        kind: its mark and colour; "" has none.
        marked: number of the column that carries the mark.
        payment_id: the payment that it belongs to; "" for none.
    """

    id: str
    cells: tuple[str, ...]
    kind: str = ""
    marked: int = 0
    payment_id: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """Something that can be done with the chosen row, or with the section.

    Attributes:
        name: word key after `money.act.`.
        ours: it changes the world on purpose, like a fault.
    """

    name: str
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Detail:
    """The chosen row in full.

    Attributes:
        row_id: whose.
        title: what it is.
        facts: names and values.
        text: bytes as they went over the wire, or "".
    """

    row_id: str
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A section as far as the engine has told.

    Attributes:
        total: the line under the table, or None.
        empty: what is said instead of an empty table.
        acts: what can be done here.
        row_acts: what can be done with the chosen row, by its identifier.
    """

    figures: tuple[Figure, ...] = ()
    columns: tuple[Column, ...] = ()
    rows: tuple[Row, ...] = ()
    total: Message | None = None
    empty: str = "money.loading"
    acts: tuple[Act, ...] = ()
    row_acts: tuple[Act, ...] = ()


NOTHING = Page()


@dataclass(frozen=True, slots=True)
class MoneyState:
    """The whole place."""

    section: Section = Section.LEDGER
    page: Page = NOTHING
    chosen: str = ""
    detail: Detail | None = None
