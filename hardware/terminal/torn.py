"""The log of torn taps: GENERATE AC was sent and no answer was heard (Book C-2, RECOVER AC).

Theory of operation. The card may have counted and signed, or not; only it knows. So the record is
written before the command leaves and taken out when the answer is there: whatever ends the tap in
between, a lost card or a lost till, leaves it. When the same card comes again for the same
payment, the till repeats the values of the recovery list and hears the same cryptogram instead of
spending a second one. The log is short, its records grow old by lab time, and it lives in memory
only: it names account numbers. Comparing the payment as well as the card is this till's own rule
(lab approximation): the customer may have changed the amount.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardware.emv.bitfields import CryptogramType
    from hardware.terminal.relay import Measured
    from hardware.terminal.verification import Chosen

RECORDS_DEFAULT = 5
LIFETIME_DEFAULT_S = 300
"""The book's (DF811C)."""
_SAME_PAYMENT = (0x9F02, 0x9F03, 0x5F2A, 0x9C, 0x9F1A)


@dataclass(frozen=True, slots=True)
class Question:
    """What a card is asked in GENERATE AC, and what judging its answer needs.

    Attributes:
        wanted: the cryptogram that the terminal decided on.
        control: reference control parameter.
        options: what GPO carried.
        listed: what GENERATE AC carries.
        values: the terminal's objects at that moment, findings included.
        chosen: how the cardholder is verified.
        relay: what was measured before, if it was.
    """

    wanted: CryptogramType
    control: int
    options: bytes
    listed: bytes
    values: Mapping[int, bytes] = field(repr=False)
    chosen: Chosen
    relay: Measured | None = None

    def same_payment(self, other: Question) -> bool:
        """Whether both ask for the same amount of the same currency, here and in this way."""
        return all(self.values.get(tag) == other.values.get(tag) for tag in _SAME_PAYMENT)


@dataclass(frozen=True, slots=True)
class TornRecord:
    """One cryptogram asked for and not heard.

    Attributes:
        number: the account number.
        psn: its sequence number (5F34), where the card says one.
        asked_at_us: lab time.
        asked: the recovery list's values, as RECOVER AC carries them.
        question: everything else.
    """

    number: str = field(repr=False)
    psn: bytes | None
    asked_at_us: int
    asked: bytes
    question: Question


class TornLog:
    """One till's log; the oldest record makes room for a new one."""

    def __init__(
        self, records_max: int = RECORDS_DEFAULT, lifetime_s: float = LIFETIME_DEFAULT_S
    ) -> None:
        """A log of so many records (DF811D), each so long (DF811C); none keeps nothing."""
        assert records_max >= 0
        assert lifetime_s >= 0
        self._records_max = records_max
        self._lifetime_us = int(lifetime_s * 1_000_000)
        self._records: list[TornRecord] = []
        self._open: TornRecord | None = None

    def __len__(self) -> int:
        """Records that are kept, old ones included."""
        self._settle()
        return len(self._records)

    def keep(self, record: TornRecord) -> None:
        """Note one before its question leaves; only if it is not dropped, others make room."""
        self._settle()
        self._open = record

    def find(self, number: str, psn: bytes | None, now_us: int) -> TornRecord | None:
        """The card's record, if it is not too old; those that are go."""
        self._settle()
        self._records = [
            each for each in self._records if now_us - each.asked_at_us < self._lifetime_us
        ]
        return next(
            (each for each in self._records if (each.number, each.psn) == (number, psn)), None
        )

    def drop(self, record: TornRecord) -> None:
        """Its answer is there; nothing where the record has made room already."""
        if self._open is record:
            self._open = None
        self._records = [each for each in self._records if not _same_card(each, record)]

    def _settle(self) -> None:
        """The question whose answer was never heard takes the place of an earlier one."""
        if self._open is None:
            return
        others = [each for each in self._records if not _same_card(each, self._open)]
        kept = [*others, self._open][-self._records_max :] if self._records_max else []
        self._records, self._open = kept, None


def _same_card(one: TornRecord, other: TornRecord) -> bool:
    return (one.number, one.psn) == (other.number, other.psn)
