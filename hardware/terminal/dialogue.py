"""The whole tap as one generator of bytes: entry point, selection, kernel, verdict. No I/O.

Whoever drives it sends the commands it yields to a card, any card, and sends back the answers;
"pull the card at APDU k" is a loop that stops sending. What has been reached is kept in `progress`
so that a broken conversation still says how far it came. The rule for real bank cards stands
here: a card without the lab's mark is not asked for processing options, since a Visa GPO already
spends a cryptogram, unless the user consents to reading on; and then nothing goes online.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

from hardware.apdu import CommandApdu, ResponseApdu, select_command
from hardware.emv.formats import date_yymmdd, encode_numeric
from hardware.runtime.errors import ApduError, TlvError
from hardware.terminal import kernel2, kernel3, kernel4
from hardware.terminal.card_data import CardData
from hardware.terminal.entry_point import (
    PPSE_NAME,
    Candidate,
    candidates_for,
    offers,
    prepare,
    read_directory,
)
from hardware.terminal.kernel import KernelResult
from hardware.terminal.means import NO_MEANS, Means
from hardware.terminal.selection import read_selection

if TYPE_CHECKING:
    from collections.abc import Generator

    from hardware.terminal.config import TapRequest, TerminalConfig

KERNELS = {
    kernel2.KERNEL_ID: kernel2.run_kernel,
    kernel3.KERNEL_ID: kernel3.run_kernel,
    kernel4.KERNEL_ID: kernel4.run_kernel,
}
"""The kernels this till has, by number (Book A, 3.2)."""
NEVER_SENT_TO_OTHERS = frozenset({0xAE, 0x2A, 0xD0})
"""GENERATE AC, COMPUTE CRYPTOGRAPHIC CHECKSUM, RECOVER AC: no consent covers what they spend."""
UNPREDICTABLE_LENGTH = 4


class Trust(Enum):
    """What may be done with a card that does not carry the lab's mark."""

    LAB_ONLY = "lab_only"
    """Stop before GPO."""
    CONSENT = "consent"
    """The user agreed: read on, take nothing online."""
    RECORDED = "recorded"
    """No card at all: a recorded dialogue is played."""


@dataclass(slots=True)
class Progress:
    """How far a tap has come; filled while it runs."""

    steps: list[str] = field(default_factory=list)
    candidates: tuple[Candidate, ...] = ()
    chosen: Candidate | None = None
    lab_card: bool | None = None

    def step(self, name: str) -> None:
        """Note a step reached; the same one again (next candidate) is noted once."""
        if name not in self.steps:
            self.steps.append(name)


class Dialogue:
    """One tap, as yielded commands and received answers."""

    def __init__(
        self,
        config: TerminalConfig,
        request: TapRequest,
        *,
        unpredictable_number: bytes,
        lab_time_us: int,
        trust: Trust = Trust.LAB_ONLY,
        percent: int = 100,
        means: Means = NO_MEANS,
    ) -> None:
        assert len(unpredictable_number) == UNPREDICTABLE_LENGTH
        self._config = config
        self._request = request
        self._trust = trust
        self._percent = percent
        self._means = means
        self.answered_in_us = 0
        """How long the card took for the last answer; whoever drives the dialogue measures it."""
        self.progress = Progress()
        self.values = _terminal_values(config, request, unpredictable_number, lab_time_us)
        """The terminal's objects by tag."""

    def run(self) -> Generator[bytes, bytes, KernelResult]:
        """Yield command bytes, receive answer bytes, return how it ended."""
        steps = self._steps()
        try:
            command = next(steps)
            while True:
                if self.read_only and command.ins in NEVER_SENT_TO_OTHERS:
                    return KernelResult("real_card", CardData())
                raw = yield command.to_bytes()
                try:
                    answer = replace(ResponseApdu.parse(raw), duration_us=self.answered_in_us)
                except ApduError:
                    return KernelResult("answer_malformed", CardData())
                command = steps.send(answer)
        except StopIteration as finished:
            result = finished.value
            assert isinstance(result, KernelResult)
            return result

    def _steps(self) -> Generator[CommandApdu, ResponseApdu, KernelResult]:
        self.progress.step("pre_processing")
        prepared = prepare(self._config, self._request, self._means, percent=self._percent)
        if not prepared:
            meant = offers(self._config, self._request)
            reason = "over_reader_limit" if meant else "transaction_type_not_configured"
            return KernelResult(reason, CardData())
        self.progress.step("ppse")
        answer = yield select_command(PPSE_NAME)
        if not answer.ok:
            return KernelResult("no_ppse", CardData())
        try:
            entries = read_directory(answer.data)
        except TlvError:
            return KernelResult("ppse_malformed", CardData())
        self.progress.step("candidates")
        candidates = candidates_for(entries, prepared, frozenset(KERNELS))
        self.progress.candidates = candidates
        if not candidates:
            return KernelResult("no_candidates", CardData())
        return (yield from self._try_candidates(candidates))

    def _try_candidates(
        self, candidates: tuple[Candidate, ...]
    ) -> Generator[CommandApdu, ResponseApdu, KernelResult]:
        """The first candidate that does not send us on to the next (Book B, 3.3.3)."""
        result = KernelResult("no_candidates", CardData())
        for candidate in candidates:
            self.progress.chosen = candidate
            result = yield from self._try_candidate(candidate)
            if not result.select_next:
                break
        return result

    def _try_candidate(
        self, candidate: Candidate
    ) -> Generator[CommandApdu, ResponseApdu, KernelResult]:
        self.progress.step("select")
        answer = yield select_command(candidate.aid + candidate.extended_selection)
        if not answer.ok:
            return KernelResult("select_refused", CardData(), select_next=True)
        try:
            selection = read_selection(answer.data, candidate.aid)
        except TlvError:
            return KernelResult("fci_malformed", CardData(), select_next=True)
        if len(answer.data) > candidate.prepared.combination.limits.response_bytes:
            return KernelResult("answer_too_long", CardData(), select_next=True)
        self.progress.lab_card = selection.lab_card
        run_kernel = KERNELS.get(candidate.kernel)
        if run_kernel is None:
            return KernelResult("kernel_not_available", CardData(), select_next=True)
        if not selection.lab_card and self._trust is Trust.LAB_ONLY:
            return KernelResult("real_card", CardData())
        self.progress.step(f"kernel_{candidate.kernel}")
        own = candidate.prepared.combination.capabilities
        self.values[0x9F33] = own or self._config.capabilities
        return (
            yield from run_kernel(
                selection.pdol, candidate.prepared, self.values, self.progress.step
            )
        )

    @property
    def read_only(self) -> bool:
        """Whether what was read may neither go online nor be kept."""
        return self.progress.lab_card is False and self._trust is not Trust.RECORDED


def _terminal_values(
    config: TerminalConfig,
    request: TapRequest,
    unpredictable_number: bytes,
    lab_time_us: int,
) -> dict[int, bytes]:
    """Everything a card may ask the terminal for (Book 3, 5.4; Book C-3, A)."""
    moment = datetime.fromtimestamp(lab_time_us // 1_000_000, UTC)
    return {
        0x5F2A: encode_numeric(request.currency_numeric, 2),
        0x5F36: encode_numeric(request.exponent, 1),
        0x95: bytes(5),
        0x9A: date_yymmdd(lab_time_us),
        0x9C: bytes([request.transaction_type]),
        0x9F02: encode_numeric(request.amount_minor, 6),
        0x9F03: bytes(6),
        0x9F15: encode_numeric(int(config.merchant_category), 2),
        0x9F16: config.merchant_id.encode("ascii", "replace")[:15].ljust(15),
        0x9F1A: encode_numeric(config.country_numeric, 2),
        0x9F1C: config.terminal_id.encode("ascii", "replace")[:8].ljust(8),
        0x9F21: bytes.fromhex(moment.strftime("%H%M%S")),
        0x9F33: config.capabilities,
        0x9F35: bytes([config.terminal_type]),
        0x9F37: unpredictable_number,
        0x9F40: config.additional_capabilities,
        0x9F41: encode_numeric(request.sequence_number % 10**8, 4),
        0x9F4E: config.merchant_name.encode("ascii", "replace")[:40],
    }
