"""Compares what we booked with what others say: the networks' clearing files, our bank's statement.

Each side is a list of lines with a reference; a line that both have, with the same amount and on
the same day, is in order. Everything else is a difference of one kind, with a sentence that says
what it means. Pure: whoever asks brings both sides, so a file from elsewhere can be compared too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from backend.domain.money import format_amount


class DifferenceKind(Enum):
    """What can be wrong with a line."""

    MISSING_THERE = "missing_there"  # we booked it, they did not
    MISSING_HERE = "missing_here"  # they booked it, we did not
    AMOUNT = "amount"
    DUPLICATE = "duplicate"
    TIMING = "timing"  # both have it, not on the same day, or it is still under way


@dataclass(frozen=True, slots=True)
class Line:
    """One line of either side.

    Attributes:
        reference: the same on both sides.
        what: in a word, for people: "completion", "payout" …
        signed_minor: positive when money comes to us.
        day: ISO date on which it was booked.
        under_way: ours only: the other side has not confirmed it yet.
    """

    reference: str
    what: str
    signed_minor: int
    currency: str
    day: str
    under_way: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """A line that is not in order.

    Attributes:
        ours_minor: None where we have none.
        theirs_minor: None where they have none.
        sentence: what it means.
    """

    kind: DifferenceKind
    reference: str
    what: str
    currency: str
    ours_minor: int | None
    theirs_minor: int | None
    sentence: str


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a comparison found.

    Attributes:
        in_order: how many lines agree.
        ours_minor: what we booked, by currency.
        theirs_minor: what they say, by currency.
        explained: whether the differences make up the whole gap between both.
    """

    in_order: int
    differences: tuple[Difference, ...]
    ours_minor: dict[str, int]
    theirs_minor: dict[str, int]
    explained: bool

    def to_json(self) -> dict[str, object]:
        """As `/lab` shows it."""
        return {
            "ok": not self.differences,
            "in_order": self.in_order,
            "explained": self.explained,
            "ours_minor": self.ours_minor,
            "theirs_minor": self.theirs_minor,
            "differences": [
                {
                    "kind": each.kind.value,
                    "reference": each.reference,
                    "what": each.what,
                    "currency": each.currency,
                    "ours_minor": each.ours_minor,
                    "theirs_minor": each.theirs_minor,
                    "sentence": each.sentence,
                }
                for each in self.differences
            ],
        }


def reconcile(ours: Sequence[Line], theirs: Sequence[Line], *, they: str) -> Reconciled:
    """Compare both sides, line by line.

    Args:
        ours: what we booked.
        theirs: what the other side says.
        they: who that is, for the sentences: "the network", "the bank".
    """
    here, there = _by_reference(ours), _by_reference(theirs)
    differences: list[Difference] = []
    in_order = 0
    for reference in sorted(here.keys() | there.keys()):
        found = _compare(here.get(reference, []), there.get(reference, []), they)
        differences += found
        in_order += not found
    return Reconciled(
        in_order,
        tuple(differences),
        _sums(ours),
        _sums(theirs),
        _explains(differences, ours, theirs),
    )


def _compare(here: list[Line], there: list[Line], they: str) -> list[Difference]:
    """The differences of one reference."""
    differences = []
    for side, who in ((here, "we"), (there, they)):
        differences += [_twice(line, side is here, who) for line in side[1:]]
    if not here:
        return [*differences, _missing_here(there[0], they)]
    if not there:
        return [*differences, _missing_there(here[0], they)]
    mine, other = here[0], there[0]
    if (mine.signed_minor, mine.currency) != (other.signed_minor, other.currency):
        differences.append(_of_amount(mine, other, they))
    elif mine.day != other.day:
        differences.append(_of_day(mine, other, they))
    return differences


def _twice(line: Line, is_ours: bool, who: str) -> Difference:  # noqa: FBT001 - which side
    shown = format_amount(line.signed_minor, line.currency)
    return Difference(
        DifferenceKind.DUPLICATE, line.reference, line.what, line.currency,
        line.signed_minor if is_ours else None, None if is_ours else line.signed_minor,
        f"{who} booked this {line.what} of {shown} once more",
    )  # fmt: skip


def _missing_here(line: Line, they: str) -> Difference:
    shown = format_amount(line.signed_minor, line.currency)
    return Difference(
        DifferenceKind.MISSING_HERE, line.reference, line.what, line.currency, None,
        line.signed_minor, f"{they} booked a {line.what} of {shown} that we know nothing of",
    )  # fmt: skip


def _missing_there(line: Line, they: str) -> Difference:
    shown = format_amount(line.signed_minor, line.currency)
    kind = DifferenceKind.TIMING if line.under_way else DifferenceKind.MISSING_THERE
    words = (
        f"we booked {shown}; {they} has yet to confirm it"
        if line.under_way
        else f"we booked a {line.what} of {shown} that {they} does not have"
    )
    return Difference(
        kind, line.reference, line.what, line.currency, line.signed_minor, None, words
    )


def _of_amount(mine: Line, other: Line, they: str) -> Difference:
    ours, theirs = (format_amount(each.signed_minor, each.currency) for each in (mine, other))
    return Difference(
        DifferenceKind.AMOUNT, mine.reference, mine.what, mine.currency, mine.signed_minor,
        other.signed_minor, f"we booked {ours}, {they} {theirs}",
    )  # fmt: skip


def _of_day(mine: Line, other: Line, they: str) -> Difference:
    return Difference(
        DifferenceKind.TIMING, mine.reference, mine.what, mine.currency, mine.signed_minor,
        other.signed_minor, f"we booked it on {mine.day}, {they} on {other.day}",
    )  # fmt: skip


def _by_reference(lines: Iterable[Line]) -> dict[str, list[Line]]:
    found: defaultdict[str, list[Line]] = defaultdict(list)
    for line in lines:
        found[line.reference].append(line)
    return found


def _sums(lines: Iterable[Line]) -> dict[str, int]:
    sums: defaultdict[str, int] = defaultdict(int)
    for line in lines:
        sums[line.currency] += line.signed_minor
    return dict(sorted(sums.items()))


def _explains(
    differences: Iterable[Difference], ours: Iterable[Line], theirs: Iterable[Line]
) -> bool:
    """Whether the gap between both sides, in all currencies, is what the differences say."""
    gap_minor = sum(each.signed_minor for each in ours) - sum(each.signed_minor for each in theirs)
    said_minor = sum((each.ours_minor or 0) - (each.theirs_minor or 0) for each in differences)
    return gap_minor == said_minor
