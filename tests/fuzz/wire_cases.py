"""What may arrive on the line to a network, on either side of it: messages, frames, chip data.

The switch reads with its own codec and the hosts with a library; both get the same bytes. What the
switch reads, the hosts must read alike; what it refuses, no correct sender has written.
"""

from __future__ import annotations

import warnings
from contextlib import ExitStack, suppress
from pathlib import Path

from backend.domain import chip_data as at_the_door
from backend.domain.pan import mask_text
from backend.networks import field_codec, host_codec, message
from backend.networks.chip import tlv as at_the_issuer
from backend.networks.message import FrameBuffer, Message, frame, reference_of_original
from backend.runtime.entropy import SeededStream
from backend.runtime.errors import BadRequest, MessageError
from backend.runtime.scheduler import VirtualLoop
from backend.switch import requests
from backend.switch.answers import NetworkReference
from tests.backend.networks.bench import Bench, Phone, bench, payment, phone_with
from tests.fuzz.generators import objects, spoiled
from tests.fuzz.machinery import Case

SENT_US = 1_795_000_000_000_000
CHIP = bytes.fromhex("9F2608A1B2C3D4E5F607089F3602002A9F02060000000012409F3704DEADBEEF82022000")
REFERENCE = NetworkReference("632400000001", "000001", SENT_US)


def good_messages() -> list[Message]:
    authorization = Message(
        message.AUTHORIZATION,
        {
            "2": "4242424242424242", "3": "000000", "4": "000000001240", "7": "1120140131",
            "11": "000001", "12": "140131", "13": "1120", "14": "2912", "18": "5814", "22": "071",
            "23": "001", "25": "00", "32": "990001", "37": "632400000001", "41": "TILL0001",
            "42": "MER000000000001", "43": "Café Vesper".ljust(40), "49": "840",
            "55": CHIP.hex().upper(),
        },
    )  # fmt: skip
    answer = Message(
        message.AUTHORIZATION_ANSWER,
        {
            "4": "000000001240", "7": "1120140131", "11": "000001", "32": "990001",
            "37": "632400000001", "38": "A1B2C3", "39": "00", "49": "840",
            "48": "tr=tok_1;rs=approved;iu=1200;cv=Y",
        },
    )  # fmt: skip
    return [
        authorization,
        answer,
        requests.reversal(REFERENCE, 1240, "USD", SENT_US),
        requests.inquiry(REFERENCE, SENT_US),
        requests.echo(1, SENT_US),
        Message(
            message.INQUIRY_ANSWER,
            {
                "7": "1120140131", "11": "000001", "37": "632400000001", "39": "00",
                "48": "fd=Y;oc=00;oa=A1B2C3;rv=N",
            },
        ),
    ]  # fmt: skip


def iso8583_case(folder: Path, held: ExitStack) -> Case:
    """Both codecs and what the switch makes of an answer: equal, or refused by both."""
    good = [message.encode(each) for each in good_messages()]

    def case(stream: SeededStream) -> str:
        raw = stream.choice(good)
        for _ in range(stream.randint(0, 3)):
            raw = spoiled(raw, stream)
        if stream.random() < 0.05:
            raw = stream.bytes(stream.randint(0, 60))
        read = _read(message.decode, raw)
        other = _read(host_codec.decode, raw)
        if read is None:
            # The library takes " 33" and "+33" for a length; the switch does not.
            assert other is None or message.encode(other) != raw, "only the switch refuses it"
            return "refused"
        assert read == other, "the switch and the hosts disagree"
        assert message.decode(message.encode(read)) == read
        for understand in (_answered, requests.status_known, reference_of_original):
            with suppress(MessageError, KeyError):
                understand(read)
        return "read"

    return case


def _answered(answer: Message) -> None:
    assert requests.answered(answer, 1_000).hops_us["issuer"] >= 0


def _read(decode: object, raw: bytes) -> Message | None:
    assert callable(decode)
    try:
        return decode(raw)
    except MessageError:
        return None


def frames_case(folder: Path, held: ExitStack) -> Case:
    """A stream cut anywhere: the frames as they were sent, and a held rest of at most one."""

    def case(stream: SeededStream) -> str:
        sent = [stream.bytes(stream.randint(1, 90)) for _ in range(stream.randint(0, 4))]
        line = b"".join(frame(each) for each in sent)
        broken = stream.random() < 0.5
        if broken:
            line = spoiled(line, stream)
        buffer, got = FrameBuffer(), []
        try:
            while line:
                cut = stream.randint(1, 40)
                got += buffer.feed(line[:cut])
                line = line[cut:]
        except MessageError:
            assert broken
            return "refused"
        assert len(buffer._held) <= message.FRAME_BYTES_MAX + message.LENGTH_BYTES
        assert broken or got == sent
        return "waiting" if buffer._held else "whole"

    return case


def chip_case(folder: Path, held: ExitStack) -> Case:
    """DE 55 at the engine's door and at the issuer: two readers, typed refusals, equal objects."""

    def case(stream: SeededStream) -> str:
        data = CHIP if stream.random() < 0.7 else objects(stream)
        for _ in range(stream.randint(0, 2)):
            data = spoiled(data, stream)
        if stream.random() < 0.1:
            mask_text(data.hex())
        door = issuer = None
        with suppress(BadRequest):
            door = {
                f"{tag:X}": bytes(held) for tag, held in at_the_door.read_chip_data(data).items()
            }
        with suppress(MessageError):
            issuer = at_the_issuer.read_chip_data(data)
        if door is None:
            return "refused"
        if issuer is not None:
            assert {tag.lstrip("0"): held for tag, held in issuer.items()} == door
        return "read"

    return case


def host_case(folder: Path, held: ExitStack) -> Case:
    """A network's host with its store: an answer or a typed refusal, and never a held loop."""
    loop = VirtualLoop()
    held.callback(loop.close)
    context = bench(folder)

    async def opened() -> tuple[Bench, Phone]:
        made = await context.__aenter__()
        return made, await phone_with(made, "visa")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made, phone = loop.run_until_complete(opened())
    held.callback(lambda: loop.run_until_complete(context.__aexit__(None, None, None)))
    host = made.networks.hosts["visa"]

    def case(stream: SeededStream) -> str:
        request = payment(made, phone, stream.choice((1, 1240, 1251, 999_999_999_999)))
        whole = requests.authorization(request)
        base = [
            whole,
            requests.reversal(request.reference, 1240, "USD", SENT_US),
            requests.inquiry(request.reference, SENT_US),
            requests.echo(1, SENT_US),
        ]
        chosen = stream.choice((whole, whole, whole, *base))
        fields = dict(chosen.fields)
        for _ in range(stream.randint(0, 2)):
            number = stream.choice(sorted(fields, key=int))
            fields[number] = _field_changed(number, fields[number], stream)
        try:
            raw = field_codec.write(chosen.kind, fields)
        except MessageError:
            raw = message.encode(chosen)
        if stream.random() < 0.3:
            raw = spoiled(raw, stream)
        try:
            answer = message.decode(loop.run_until_complete(host.handle(raw)))
        except MessageError:
            return "refused"
        return "approved" if answer.fields["39"] == "00" else "declined"

    return case


def _field_changed(number: str, text: str, stream: SeededStream) -> str:
    """Another content of the same length, so that it is the meaning that is wrong."""
    if number == "55":
        return spoiled(bytes.fromhex(text), stream)[:255].hex().upper()
    alphabet = "0123456789" if number in message.NUMERIC else "09AZ az?=;"
    return "".join(
        stream.choice(alphabet) if stream.random() < 0.5 else character for character in text
    )
