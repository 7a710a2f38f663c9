"""Entry point: which combinations may be used, what the directory offers, which goes first.

Source: Book B, 3.1 (pre-processing) and 3.3 (combination selection). Pure functions over values;
the dialogue itself is in `dialogue`. A directory entry that breaks a rule is skipped, as the book
wants, and never spoils the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hardware.emv import tlv
from hardware.emv.bitfields import (
    TTQ_AUTHENTICATION_FOR_ONLINE,
    TTQ_CVM_REQUIRED,
    TTQ_OFFLINE_ONLY,
    TTQ_ONLINE_CRYPTOGRAM_REQUIRED,
    has_bit,
)
from hardware.emv.formats import decode_text
from hardware.runtime.errors import TlvError
from hardware.terminal.authorities import NO_AUTHORITIES, Authorities
from hardware.terminal.config import KERNEL_OF_RID, Combination
from hardware.terminal.means import NO_MEANS, Means

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hardware.terminal.config import TapRequest, TerminalConfig

PPSE_NAME = b"2PAY.SYS.DDF01"
_LOWEST_PRIORITY = 16
_AID_LENGTHS = range(5, 17)
_ANY_KERNEL = 0


@dataclass(frozen=True, slots=True)
class Prepared:
    """One combination that the amount allows, with its transaction qualifiers."""

    combination: Combination
    ttq: bytes
    cvm_required: bool
    over_floor_limit: bool
    authorities: Authorities = NO_AUTHORITIES
    """Whose certificates the till accepts."""
    must_ask: bool = False
    """Whether the issuer is asked whatever is found: zero amount, status check, type of till."""
    can_ask: bool = True
    """Whether the till can ask an issuer."""
    selected: bool = False
    """Whether chance picked this payment for the issuer."""
    amount_minor: int = 0
    means: Means = NO_MEANS
    """What else the till has at hand."""

    @property
    def rid(self) -> bytes:
        """Whose application it is: the first five bytes of its identifier."""
        return self.combination.aid[:5]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One application of the card with the combination that will handle it."""

    aid: bytes
    label: str
    priority: int
    """1 is highest; 16 stands for none given."""
    prepared: Prepared
    extended_selection: bytes = b""

    @property
    def kernel(self) -> int:
        """The kernel's number."""
        return self.prepared.combination.kernel


def prepare(
    config: TerminalConfig,
    request: TapRequest,
    means: Means = NO_MEANS,
    *,
    percent: int = 100,
) -> tuple[Prepared, ...]:
    """Pre-processing: the combinations this payment allows (Book B, 3.1.1).

    Args:
        config: the till.
        request: the payment.
        means: what else the till has at hand.
        percent: a random number from 1 to 99, for random selection; 100 picks nothing.
    """
    return tuple(
        replace(_qualify(combination, config, request, percent), means=means)
        for combination in _at_gate(config)
        if _allowed(combination, config, request)
    )


def offers(config: TerminalConfig, request: TapRequest) -> bool:
    """Whether any combination stands for this type of transaction, whatever the amount."""
    return any(_is_for(combination, request) for combination in config.combinations)


def _is_for(combination: Combination, request: TapRequest) -> bool:
    return combination.transaction_type in {None, request.transaction_type}


def _at_gate(config: TerminalConfig) -> tuple[Combination, ...]:
    """The combinations; at a transit gate each has the card sign."""
    if not config.transit:
        return config.combinations
    return tuple(replace(each, offline_authentication=True) for each in config.combinations)


def _allowed(combination: Combination, config: TerminalConfig, request: TapRequest) -> bool:
    if not _is_for(combination, request):
        return False
    if request.amount_minor == 0:
        # A zero amount needs an online cryptogram, which an offline-only reader cannot use.
        offline_only = has_bit(combination.ttq or config.ttq, TTQ_OFFLINE_ONLY)
        if offline_only or not combination.zero_amount_allowed:
            return False
    limit = combination.entry_limit_minor
    return limit is None or request.amount_minor < limit


def _qualify(
    combination: Combination, config: TerminalConfig, request: TapRequest, percent: int
) -> Prepared:
    amount = request.amount_minor
    floor, cvm = combination.floor_limit_minor, combination.cvm_limit_minor
    single_unit = combination.status_check and amount == 10**request.exponent
    over_floor = floor is not None and amount > floor
    must_ask = amount == 0 or single_unit or config.online_only
    selected = not over_floor and combination.selection.picks(amount, floor, percent)
    online = must_ask or over_floor or selected
    verify = cvm is not None and amount >= cvm
    ttq = bytearray(combination.ttq or config.ttq)
    # The two dynamic bits start at zero for every payment.
    ttq[1] &= 0x3F
    for wanted, (index, mask) in (
        (online, TTQ_ONLINE_CRYPTOGRAM_REQUIRED),
        (verify, TTQ_CVM_REQUIRED),
        (combination.offline_authentication, TTQ_AUTHENTICATION_FOR_ONLINE),
    ):
        ttq[index] |= mask if wanted else 0
    return Prepared(
        combination,
        bytes(ttq),
        verify,
        over_floor,
        config.authorities,
        must_ask=must_ask,
        can_ask=not config.offline_only,
        selected=selected,
        amount_minor=amount,
    )


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """One entry of the card's directory, checked."""

    aid: bytes
    label: str
    priority: int
    kernel: int
    """The kernel asked for; 0 asks for none in particular."""
    extended_selection: bytes


def read_directory(data: bytes) -> tuple[DirectoryEntry, ...]:
    """The PPSE's entries (Book B, table 3-2), those that can be used.

    Raises:
        TlvError: no file control information with the directory's name.
    """
    template = tlv.parse_one(data, 0x6F)
    name = template.find(0x84)
    if name is None or name.value != PPSE_NAME:
        raise TlvError("the answer is not the directory's", template.offset)
    proprietary = template.find(0xA5)
    discretionary = proprietary.find(0xBF0C) if proprietary is not None else None
    if discretionary is None:
        raise TlvError("the directory has no BF0C", template.offset)
    entries = (_read_entry(entry) for entry in discretionary.find_all(0x61))
    return tuple(entry for entry in entries if entry is not None)


def _value(template: tlv.Tlv, tag: int) -> bytes:
    node = template.find(tag)
    return node.value if node is not None else b""


def _read_entry(entry: tlv.Tlv) -> DirectoryEntry | None:
    aid = _value(entry, 0x4F)
    if len(aid) not in _AID_LENGTHS:
        return None
    kernel = _requested_kernel(aid, _value(entry, 0x9F2A))
    if kernel is None:
        return None
    indicator = _value(entry, 0x87)
    priority = indicator[0] & 0x0F if len(indicator) == 1 else 0
    return DirectoryEntry(
        aid=aid,
        label=decode_text(_value(entry, 0x50)),
        priority=priority or _LOWEST_PRIORITY,
        kernel=kernel,
        extended_selection=_value(entry, 0x9F29),
    )


def _requested_kernel(aid: bytes, identifier: bytes) -> int | None:
    """The kernel an entry asks for; None where the book says to skip it (Book B, 3.3.2.5)."""
    if not identifier:
        return KERNEL_OF_RID.get(aid[:5], _ANY_KERNEL)
    kind, short = identifier[0] >> 6, identifier[0] & 0x3F
    if kind in {0b00, 0b01}:
        return short or KERNEL_OF_RID.get(aid[:5], _ANY_KERNEL)
    if len(identifier) < 3 or short == 0:
        return None
    # A domestic kernel is named by all three bytes, which no international number equals.
    return int.from_bytes(identifier[:3], "big")


def candidates_for(
    entries: Iterable[DirectoryEntry],
    prepared: tuple[Prepared, ...],
    available_kernels: frozenset[int],
) -> tuple[Candidate, ...]:
    """The candidate list, best first (Book B, 3.3.3).

    By the card's priority, ties in the card's order. Combinations whose kernel is not available
    come last: they are kept only so that the till can say what is missing.
    """
    found = [
        Candidate(entry.aid, entry.label, entry.priority, chosen, entry.extended_selection)
        for entry in entries
        if (chosen := _match(entry, prepared)) is not None
    ]
    return tuple(sorted(found, key=lambda c: (c.kernel not in available_kernels, c.priority)))


def _match(entry: DirectoryEntry, prepared: tuple[Prepared, ...]) -> Prepared | None:
    return next(
        (
            one
            for one in prepared
            if entry.aid.startswith(one.combination.aid)
            and entry.kernel in {_ANY_KERNEL, one.combination.kernel}
        ),
        None,
    )
