"""Reading what lies on a reader without buying anything: the read-only rule, as a conversation.

A lab card says so in SELECT's answer (tag 42 with the lab's number in BF0C) and is read whole. Any
other payment card is asked for its directory and selected, no more: a Visa GET PROCESSING OPTIONS
already spends a cryptogram. With its owner's consent the best application is read on, processing
options and records, with an amount of nothing and a random number of zeros, so that the cryptogram
is worth nothing to anyone. GENERATE AC is never sent. A card without a directory is asked, by
SELECT, what else it is. Everything is masked as it is heard; nothing leaves here that was not.

Sources: Book B 3.3 (directory), Book 1, 11.3 (SELECT), Book 3, 6.5.8 and 10.2 (GPO, records).
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from hardware.apdu import CommandApdu, ResponseApdu, select_command
from hardware.emv import tlv
from hardware.emv.form_factor import FormFactor, judge
from hardware.emv.formats import date_yymmdd, encode_numeric
from hardware.emv.masking import mask_value
from hardware.readers.exchange import Exchange, record_exchange
from hardware.readers.tag_kinds import (
    PROBES,
    Activation,
    TagKind,
    activation_of,
    is_random,
    kind_of,
)
from hardware.runtime.errors import ApduError, CardLinkError, PlainTag, TlvError
from hardware.terminal.card_data import BrokenRule, CardData
from hardware.terminal.config import KERNEL_OF_RID, TerminalConfig
from hardware.terminal.entry_point import PPSE_NAME, DirectoryEntry, read_directory
from hardware.terminal.kernel import get_processing_options, read_list, read_records
from hardware.terminal.selection import read_selection

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from hardware.readers.port import CardLink
    from hardware.runtime.ports import Clock

APPLICATIONS_MAX = 8
"""Applications that are selected at most; a directory with more is broken or hostile."""
NO_CURRENCY = 999
"""ISO 4217 XXX: no currency is involved."""
_READER_QUALIFIERS = bytes.fromhex("36004000")
"""TTQ: EMV mode, contact chip, PIN online, signature; owner's check on a device (Book C-3, A)."""


class Sort(StrEnum):
    """What lies there."""

    LAB_CARD = "lab_card"
    PAYMENT_CARD = "payment_card"
    """Somebody's own: not charged, nothing stored."""
    OTHER = "other"
    """Not a payment card."""


class Stop(StrEnum):
    """Where reading ended, and why."""

    READ_WHOLE = "read_whole"
    NO_CONSENT = "no_consent"
    """A card that is not the lab's: selected, and no more."""
    NOTHING_TO_PAY_WITH = "nothing_to_pay_with"
    REFUSED = "refused"
    """It did not give its processing options or a record."""
    BROKE_A_RULE = "broke_a_rule"
    LEFT = "left"
    """The conversation broke: taken away, or silent."""


@dataclass(frozen=True, slots=True)
class ReadApplication:
    """One application of the card, as its directory and SELECT tell."""

    aid: str
    label: str
    priority: int
    """1 is highest; 16 stands for none given."""
    kernel: int | None
    selected: bool
    """Whether SELECT succeeded."""
    lab: bool
    """Whether it carries the lab's mark."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read. Masked throughout: there is no clear number in it.

    Attributes:
        kind: what it is by selection, answer to reset or a name it answers to.
        uid: hex of the anti-collision identifier; empty where reader or card does not tell.
        random_uid: it is drawn anew each time and recognizes nobody.
        objects: everything that the applications said, masked, by tag.
        cryptograms: how many cryptograms the card spent for this.
        detail: the reason, in one stable word, where a rule was broken or the card refused.
    """

    sort: Sort
    stop: Stop
    kind: TagKind
    uid: str
    random_uid: bool
    atr: str
    activation: Activation | None
    form_factor: FormFactor
    applications: tuple[ReadApplication, ...] = ()
    objects: dict[int, bytes] = field(default_factory=dict)
    cryptograms: int = 0
    detail: str = ""
    exchanges: tuple[Exchange, ...] = ()

    @property
    def masked_number(self) -> str:
        """First six and last four digits; empty where no number was read."""
        for tag in (0x5A, 0x57):
            value = self.objects.get(tag)
            if value is not None:
                return value.hex().upper().partition("D")[0].rstrip("F").replace("E", "*")
        return ""


@dataclass(slots=True)
class _Progress:
    """How far reading has come; filled while it runs."""

    applications: list[ReadApplication] = field(default_factory=list)
    objects: dict[int, bytes] = field(default_factory=dict)
    kind: TagKind | None = None
    read_aid: bytes = b""
    cryptograms: int = 0
    stop: Stop = Stop.NOTHING_TO_PAY_WITH
    detail: str = ""

    def hear(self, data: bytes) -> None:
        """Keep every object of an answer, masked; the first of its tag counts."""
        for root in tlv.parse(data):
            for node in root.walk():
                if not node.constructed:
                    self.objects.setdefault(node.tag, mask_value(node.tag, node.value))


async def read_card(
    link: CardLink,
    *,
    clock: Clock,
    consent: bool = False,
    on_exchange: Callable[[Exchange], None] | None = None,
) -> Reading:
    """Read what is in the field by the rule above; the caller releases the link.

    Args:
        link: the card; a link that breaks ends the reading, with what was read so far.
        clock: lab time for the date, steady time for durations.
        consent: whether its owner agreed that a card that is not the lab's is read past SELECT.
        on_exchange: told each exchange as it ends, already masked.
    """
    progress, exchanges = _Progress(), list[Exchange]()
    running = _steps(progress, clock.now_us(), consent=consent)
    try:
        command = next(running)
        while True:
            raw = command.to_bytes()
            started_us, start_us, answer = clock.now_us(), clock.monotonic_us(), b""
            try:
                answer = await link.transmit(raw)
            finally:
                heard = record_exchange(
                    len(exchanges),
                    raw,
                    answer,
                    started_us=started_us,
                    duration_us=clock.monotonic_us() - start_us,
                    keep_raw=False,
                )
                exchanges.append(heard)
                if on_exchange is not None:
                    on_exchange(heard)
            command = running.send(ResponseApdu.parse(answer))
    except StopIteration:
        pass
    except CardLinkError as broken:
        progress.stop, progress.detail = Stop.LEFT, type(broken).__name__
    except ApduError:
        progress.stop, progress.detail = Stop.BROKE_A_RULE, "answer_malformed"
    return _conclude(progress, link.uid, link.atr, activation_of(link), tuple(exchanges))


def reading_of_tag(tag: PlainTag) -> Reading:
    """What a tag is that takes no commands: its selection is all there is to read."""
    activation = Activation(tag.sak, tag.atqa)
    return _conclude(_Progress(), tag.uid, b"", activation, ())


def _conclude(
    progress: _Progress,
    uid: bytes,
    atr: bytes,
    activation: Activation | None,
    exchanges: tuple[Exchange, ...],
) -> Reading:
    lab = any(application.lab for application in progress.applications)
    sort = Sort.LAB_CARD if lab else Sort.PAYMENT_CARD if progress.applications else Sort.OTHER
    random_uid = is_random(uid)
    return Reading(
        sort=sort,
        stop=progress.stop,
        kind=progress.kind or kind_of(atr, activation),
        uid=uid.hex().upper(),
        random_uid=random_uid,
        atr=atr.hex().upper(),
        activation=activation,
        form_factor=judge(
            progress.objects,
            progress.read_aid,
            uid,
            random_uid=random_uid,
            ats=activation.ats if activation is not None else b"",
        ),
        applications=tuple(progress.applications),
        objects=dict(sorted(progress.objects.items())),
        cryptograms=progress.cryptograms,
        detail=progress.detail,
        exchanges=exchanges,
    )


def _steps(
    progress: _Progress, lab_time_us: int, *, consent: bool
) -> Generator[CommandApdu, ResponseApdu, None]:
    answer = yield select_command(PPSE_NAME)
    if not answer.ok:
        yield from _ask_what_else(progress)
        return
    try:
        entries = read_directory(answer.data)
        progress.hear(answer.data)
    except TlvError:
        progress.stop, progress.detail = Stop.BROKE_A_RULE, "ppse_malformed"
        return
    for entry in sorted(entries, key=lambda one: one.priority)[:APPLICATIONS_MAX]:
        yield from _select(entry, progress, lab_time_us, consent=consent)


def _ask_what_else(progress: _Progress) -> Generator[CommandApdu, ResponseApdu, None]:
    for name, kind in PROBES:
        answer = yield select_command(name)
        if answer.ok:
            progress.kind = kind
            return


def _select(
    entry: DirectoryEntry, progress: _Progress, lab_time_us: int, *, consent: bool
) -> Generator[CommandApdu, ResponseApdu, None]:
    answer = yield select_command(entry.aid + entry.extended_selection)
    selection = None
    if answer.ok:
        try:
            selection = read_selection(answer.data, entry.aid)
            progress.hear(answer.data)
        except TlvError:
            progress.stop, progress.detail = Stop.BROKE_A_RULE, "fci_malformed"
    lab = selection is not None and selection.lab_card
    progress.applications.append(
        ReadApplication(
            aid=entry.aid.hex().upper(),
            label=entry.label,
            priority=entry.priority,
            kernel=entry.kernel or KERNEL_OF_RID.get(entry.aid[:5]),
            selected=answer.ok,
            lab=lab,
        )
    )
    if selection is None or progress.read_aid:
        return
    if not (lab or consent):
        progress.stop = Stop.NO_CONSENT
        return
    progress.read_aid = entry.aid
    try:
        yield from _read_on(selection.pdol or b"", progress, lab_time_us)
        progress.stop = Stop.READ_WHOLE
    except BrokenRule as broken:
        refused = broken.reason.endswith(("_refused", "_satisfied"))
        progress.stop = Stop.REFUSED if refused else Stop.BROKE_A_RULE
        progress.detail = broken.reason


def _read_on(
    pdol: bytes, progress: _Progress, lab_time_us: int
) -> Generator[CommandApdu, ResponseApdu, None]:
    """Processing options and every record they name.

    Raises:
        BrokenRule: refused, or against the books.
    """
    data = CardData()
    wanted = read_list(pdol, "pdol_malformed")
    try:
        yield from _keeping(
            get_processing_options(wanted, _values(lab_time_us), data, {}), progress
        )
        locator = data.get(0x94, b"")
        assert locator is not None
        yield from _keeping(read_records(locator, data, lambda _step: None), progress)
    finally:
        progress.cryptograms += data.get(0x9F26) is not None


def _keeping(
    steps: Generator[CommandApdu, ResponseApdu, None], progress: _Progress
) -> Generator[CommandApdu, ResponseApdu, None]:
    """The same steps, with what the card says kept as it is heard: a broken rule loses nothing."""
    try:
        command = next(steps)
        while True:
            answer = yield command
            with contextlib.suppress(TlvError):  # the steps say what is wrong with it
                _hear_options(answer, progress)
            command = steps.send(answer)
    except StopIteration:
        return


def _hear_options(answer: ResponseApdu, progress: _Progress) -> None:
    if not answer.ok:
        return
    template = tlv.parse(answer.data)
    if len(template) == 1 and template[0].tag == 0x80 and len(template[0].value) >= 2:
        progress.objects.setdefault(0x82, template[0].value[:2])
        progress.objects.setdefault(0x94, template[0].value[2:])
        return
    progress.hear(answer.data)


def _values(lab_time_us: int) -> dict[int, bytes]:
    """A till that wants nothing: no amount, no currency, no random number."""
    till = TerminalConfig()
    return {
        0x5F2A: encode_numeric(NO_CURRENCY, 2),
        0x9A: date_yymmdd(lab_time_us),
        0x9F1A: encode_numeric(till.country_numeric, 2),
        0x9F33: till.capabilities,
        0x9F35: bytes([till.terminal_type]),
        0x9F40: till.additional_capabilities,
        0x9F66: _READER_QUALIFIERS,
    }
