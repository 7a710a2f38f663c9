"""The session: drives a dialogue over a link, times it, and turns broken links into outcomes.

The only I/O of the terminal. A card that leaves, stays mute or answers nonsense gives a result
like any other; what a harness does wrong is not caught here. The caller opened the link and
releases it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardware.emv import tlv
from hardware.emv.bitfields import CryptogramType
from hardware.emv.masking import mask_digits
from hardware.readers.exchange import Exchange, record_exchange
from hardware.readers.frames import frames_of, shifted
from hardware.runtime.errors import (
    CardCollision,
    CardFault,
    CardLinkError,
    CardMute,
    CardRemoved,
    ReaderGone,
)
from hardware.terminal.card_data import CardData
from hardware.terminal.dialogue import UNPREDICTABLE_LENGTH, Dialogue, Trust
from hardware.terminal.kernel import KernelResult
from hardware.terminal.means import Means
from hardware.terminal.outcome import CardholderVerification, TapResult, ending_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardware.readers.port import CardLink
    from hardware.runtime.ports import Clock, Stream
    from hardware.terminal.config import TapRequest, TerminalConfig
    from hardware.terminal.torn import TornLog

EMV_DATA_TAGS = (
    0x9F26, 0x9F27, 0x9F10, 0x9F37, 0x9F36, 0x95, 0x9A, 0x9C, 0x9F02, 0x5F2A, 0x82, 0x9F1A,
    0x9F03, 0x9F33, 0x9F34, 0x84, 0x5F34, 0x9F6E, 0x9F19, 0x9F24,
)  # fmt: skip
"""What DE 55 carries, in this order, where it is there."""
_INFORMATION = {CryptogramType.AAC: 0x00, CryptogramType.TC: 0x40, CryptogramType.ARQC: 0x80}


async def run_tap(  # noqa: PLR0913 -- every port and every choice by its name
    link: CardLink,
    config: TerminalConfig,
    request: TapRequest,
    *,
    clock: Clock,
    stream: Stream,
    on_exchange: Callable[[Exchange], None] | None = None,
    consent: bool = False,
    recorded: bool = False,
    torn: TornLog | None = None,
) -> TapResult:
    """One tap, from the directory to an outcome.

    Args:
        link: the card in the field; stays open.
        config: the till.
        request: the payment.
        clock: lab time for the transaction date, steady time for durations.
        stream: where the unpredictable number comes from.
        on_exchange: told each exchange as it ends, already masked.
        consent: whether a card without the lab's mark may be read beyond SELECT.
        recorded: the link plays a recording, so the lab's mark is not asked for.
        torn: the till's log of torn taps; None recovers none.
    """
    trust = Trust.RECORDED if recorded else Trust.CONSENT if consent else Trust.LAB_ONLY
    now_us = clock.now_us()
    dialogue = Dialogue(
        config,
        request,
        unpredictable_number=stream.bytes(UNPREDICTABLE_LENGTH),
        lab_time_us=now_us,
        trust=trust,
        percent=stream.randint(1, 99) if config.selects_by_chance else 100,
        means=Means(
            torn=torn,
            now_us=now_us,
            draw_number=lambda: stream.bytes(UNPREDICTABLE_LENGTH),
            relay=config.relay_resistance,
        ),
    )
    recorder = _Recorder(link, clock, on_exchange)
    result = await _drive(dialogue, recorder)
    return _conclude(dialogue, result, tuple(recorder.exchanges))


class _Recorder:
    """Exchanges over the link, timed and masked as they happen."""

    def __init__(
        self, link: CardLink, clock: Clock, on_exchange: Callable[[Exchange], None] | None
    ) -> None:
        self._link = link
        self._clock = clock
        self._on_exchange = on_exchange
        self.exchanges: list[Exchange] = []

    async def transmit(self, command: bytes, *, keep_raw: bool) -> bytes:
        started_us, start = self._clock.now_us(), self._clock.monotonic_us()
        response = b""
        try:
            response = await self._link.transmit(command)
        finally:
            duration_us = self._clock.monotonic_us() - start
            exchange = record_exchange(
                len(self.exchanges),
                command,
                response,
                started_us=started_us,
                duration_us=duration_us,
                keep_raw=keep_raw,
                frames=shifted(frames_of(self._link), duration_us),
            )
            self.exchanges.append(exchange)
            if self._on_exchange is not None:
                self._on_exchange(exchange)
        return response


async def _drive(dialogue: Dialogue, recorder: _Recorder) -> KernelResult:
    running = dialogue.run()
    try:
        command = next(running)
        while True:
            keep_raw = not dialogue.read_only
            answer = await recorder.transmit(command, keep_raw=keep_raw)
            dialogue.answered_in_us = recorder.exchanges[-1].duration_us
            command = running.send(answer)
    except StopIteration as finished:
        result = finished.value
        assert isinstance(result, KernelResult)
        return result
    except CardLinkError as broken:
        return KernelResult(_reason_of(broken), CardData())


def _reason_of(broken: CardLinkError) -> str:
    match broken:
        case CardRemoved():
            return "pulled_too_early"
        case CardMute():
            return "card_silent"
        case CardCollision():
            return "present_one_card"
        case ReaderGone():
            return "reader_gone"
        case CardFault():
            return "card_fault"
        case _:
            return "link_failed"


def _conclude(
    dialogue: Dialogue, result: KernelResult, exchanges: tuple[Exchange, ...]
) -> TapResult:
    progress = dialogue.progress
    reason = result.reason
    # What a real card says is read and forgotten: no number, no cryptogram in the result.
    told = result.track_2 is not None and not dialogue.read_only
    if dialogue.read_only and result.track_2 is not None:
        reason = "real_card_read_only"
    ending = ending_of(reason)
    data = result.data if told else CardData()
    counter = data.get(0x9F36)
    return TapResult(
        outcome=ending.outcome,
        reason=reason,
        ui=ending.ui,
        start_point=ending.start_point,
        kernel=progress.chosen.kernel if progress.chosen is not None else None,
        candidates=tuple(c.aid.hex().upper() for c in progress.candidates),
        steps=(*progress.steps, "outcome"),
        token=result.track_2.number if told and result.track_2 else "",
        masked_token=mask_digits(result.track_2.number) if result.track_2 else "",
        expiry=result.track_2.expiry if told and result.track_2 else "",
        psn=(data.get(0x5F34) or b"").hex(),
        atc=int.from_bytes(counter, "big") if counter is not None else None,
        cryptogram=(data.get(0x9F26) or b"").hex().upper(),
        cryptogram_type=result.kind.value if result.kind is not None else None,
        findings=result.findings.hex().upper(),
        status_information=result.status.hex().upper(),
        unpredictable_number=dialogue.values[0x9F37].hex().upper(),
        emv_data=_emv_data(dialogue, result) if told and _has_chip_data(result) else b"",
        track_2=result.stripe.track_2 if told and result.stripe is not None else "",
        cdcvm=result.verification is CardholderVerification.DEVICE,
        cvm=result.verification,
        lab_card=progress.lab_card,
        recovered="recovered" in progress.steps,
        apdu_count=len(exchanges),
        reader_us=sum(exchange.duration_us for exchange in exchanges),
        exchanges=exchanges,
    )


def _has_chip_data(result: KernelResult) -> bool:
    """A tap in mag-stripe mode has a track in place of them, and one without a code nothing."""
    return result.kind is not None and result.stripe is None


def _emv_data(dialogue: Dialogue, result: KernelResult) -> bytes:
    """DE 55: the card's objects first, the terminal's where the card has none."""
    chosen = dialogue.progress.chosen
    assert chosen is not None
    assert result.kind is not None
    own = {
        **dialogue.values,
        0x84: chosen.aid,
        0x9F34: result.verification_results,
        # A card may leave 9F27 out; the issuer wants it all the same.
        0x9F27: bytes([_INFORMATION[result.kind]]),
    }
    terminal_tags = {*dialogue.values, 0x84, 0x9F34}
    parts = []
    for tag in EMV_DATA_TAGS:
        # The terminal's own objects are what the cryptogram covers: a card cannot replace them.
        value = own[tag] if tag in terminal_tags else result.data.get(tag, own.get(tag))
        if value is not None:
            parts.append(tlv.build(tag, value))
    return b"".join(parts)
