"""The reader's own lights and buzzer: what is sent to which model, and that others get nothing.

A scripted service stands for systems that allow escapes; a real one, whose virtual reader knows
none, records what arrives as APDUs.
"""

from __future__ import annotations

import asyncio

import pytest

from hardware.api import READER_MODELS, PcscMonitor, PcscReader, Signal, Winscard
from hardware.readers.lights import light_commands, own_tone_off
from hardware.readers.models import Lighting, model_by_name, model_by_usb
from tests.hardware.pcsc.conftest import Desk, RealTime
from tests.hardware.pcsc.scripted_service import EMPTY, PRESENT, ScriptedService
from tests.pcsc_stack import OMNIKEY, PcscStack

ACR122U = "ACS ACR122U PICC Interface 00 00"
GREEN, RED, DARK = (bytes.fromhex(f"FF0040{p2}0400000000") for p2 in ("0E", "0D", "0C"))
ONE_TONE, TWO_TONES = bytes.fromhex("FF00400E0401010101"), bytes.fromhex("FF00400D0401010201")
OWN_TONE_OFF = bytes.fromhex("FF00520000")


@pytest.mark.parametrize(
    ("signal", "sound", "sent"),
    [
        (Signal.READY, True, GREEN),
        (Signal.READ, True, ONE_TONE),
        (Signal.READ, False, GREEN),
        (Signal.ALERT, True, TWO_TONES),
        (Signal.ALERT, False, RED),
        (Signal.OFF, True, DARK),
    ],
)
def test_an_acr122u_is_told_by_the_bytes_of_its_manual(
    signal: Signal,
    sound: bool,  # noqa: FBT001 -- a column of the table above
    sent: bytes,
) -> None:
    assert light_commands(Lighting.PSEUDO_APDU, signal, sound=sound) == (sent,)


def test_an_acr1252u_is_told_light_and_tone_apart() -> None:
    light, tone = light_commands(Lighting.ESCAPE, Signal.ALERT, sound=True)
    assert (light, tone) == (bytes.fromhex("E00000290101"), bytes.fromhex("E00000280114"))
    assert light_commands(Lighting.ESCAPE, Signal.READY, sound=True) == (
        bytes.fromhex("E00000290102"),
    )
    assert own_tone_off(Lighting.ESCAPE)[-1] & 0b1000 == 0


@pytest.mark.parametrize(
    ("name", "model"),
    [
        (ACR122U, "ACS ACR122U"),
        ("ACS ACR122 0", "ACS ACR122U"),
        ("ACS ACR1222L Dual Reader 00 00", None),
        ("ACS ACR1252 1S CL Reader [ACR1252 Dual Reader PICC] 00 00", "ACS ACR1252U"),
        ("HID Global OMNIKEY 5022 Smart Card Reader [Contactless Interface] 00 00",
         "HID Omnikey 5022"),
        ("HID Global OMNIKEY 5422 Smartcard Reader 01 00", "HID Omnikey 5422"),
        ("Identiv uTrust 3700 F CL Reader 00 00", "Identiv uTrust 3700F"),
        ("Some Reader 15022 00 00", None),
    ],
)  # fmt: skip
def test_a_model_is_known_by_its_name(name: str, model: str | None) -> None:
    found = model_by_name(name)
    assert (found.name if found else None) == model


def test_the_table_names_each_usb_device_once_and_only_lit_models_have_lights() -> None:
    ids = [usb for model in READER_MODELS for usb in model.usb]
    assert len(ids) == len(set(ids))
    assert model_by_usb(0x072F, 0x2200) is READER_MODELS[0]
    assert model_by_usb(0x072F, 0x9999) is None
    for model in READER_MODELS:
        assert ("lights" in model.capabilities) == (model.lighting is not None)


def scripted(name: str, state: int) -> tuple[ScriptedService, PcscReader]:
    service = ScriptedService()
    service.put(name, state)
    return service, PcscReader(name, service, None, RealTime())


def test_an_escape_needs_no_card_and_the_readers_own_tone_goes_off_once() -> None:
    service, reader = scripted(ACR122U, EMPTY)

    async def show() -> None:
        assert await reader.signal(Signal.READY, sound=True)
        assert await reader.signal(Signal.OFF, sound=True)

    asyncio.run(show())
    assert service.controlled == [OWN_TONE_OFF, GREEN, DARK]
    assert "transmit" not in service.calls


def test_where_escapes_are_forbidden_an_empty_reader_is_left_in_peace() -> None:
    service, reader = scripted(ACR122U, EMPTY)
    service.allows_escapes = False
    assert asyncio.run(reader.signal(Signal.READY, sound=True)) is False
    assert "transmit" not in service.calls


def test_an_escape_reader_is_never_sent_its_commands_as_apdus() -> None:
    service, reader = scripted("ACS ACR1252 1S CL Reader PICC 00 00", PRESENT)
    service.allows_escapes = False
    assert asyncio.run(reader.signal(Signal.READ, sound=True)) is False
    assert "connect" not in service.calls


def test_a_reader_that_is_not_known_to_have_lights_is_not_even_asked() -> None:
    service, reader = scripted("Some Reader 00 00", PRESENT)
    assert asyncio.run(reader.signal(Signal.READ, sound=True)) is False
    assert service.calls == []


def test_a_real_service_carries_them_as_apdus_while_a_card_is_there(desk: Desk) -> None:
    """The virtual reader knows no escape, so what arrives at its card is what was sent."""
    reader = desk.reader()
    card = desk.stack.insert(lambda _: bytes.fromhex("9000"))

    async def read_and_show() -> bool:
        async with desk.link(reader):
            pass
        return await reader.signal(Signal.READ, sound=True)

    assert asyncio.run(read_and_show())
    assert card.commands[-2:] == [OWN_TONE_OFF, ONE_TONE]


def test_a_real_service_carries_nothing_to_a_reader_without_lights(
    pcsc_namespace: PcscStack,
) -> None:
    pcsc_namespace.start(OMNIKEY)
    service = Winscard()
    monitor = PcscMonitor(service)
    desk = Desk(pcsc_namespace, monitor, service)
    reader = desk.reader(pcsc_namespace.reader_name(name=OMNIKEY))
    card = pcsc_namespace.insert(lambda _: bytes.fromhex("9000"))

    async def read_and_show() -> bool:
        async with desk.link(reader):
            pass
        return await reader.signal(Signal.READ, sound=True)

    try:
        assert asyncio.run(read_and_show()) is False
        assert [command[:2].hex() for command in card.commands] == ["ffca"]
    finally:
        monitor.close()
        pcsc_namespace.remove_cards()
        pcsc_namespace.kill()
