"""Two readers on a desk: one is the till, the other is the phone, and the window chose them.

The boards are virtual PN532s face to face; nfcpy's own driver works both. The phone is armed on the
screen, as a person does; nobody touches the card but the radio. An engine is a process, so these
tests take as long as that.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hardware.api import ScanOutcome, parse_trace
from lab.adapter import LabAdapter, Runner
from lab.pos.state import PosPhase
from lab.wallet.state import PhoneScreen
from lab.words import tell
from tests.pcsc_card import VirtualCard
from tests.pcsc_stack import PcscStack
from tests.pn532_bench import Bench, SoftCard
from tests.shows.laboratory import Laboratory, opened

NETWORKS = {"visa": 3, "mastercard": 2, "amex": 4}


@pytest.fixture
def boards() -> Iterator[Bench]:
    if importlib.util.find_spec("nfc") is None or not hasattr(os, "openpty"):
        pytest.skip("nfcpy or pseudo-terminals are missing: python3 start.py installs nfcpy")
    made = Bench(2)
    yield made
    made.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Laboratory]:
    """A window's world that was started at the emulated reader."""
    lab = opened(tmp_path / "lab")
    lab.run(lab.world.wallet.start_with_demo_cards())
    yield lab
    lab.stop()


def window(lab: Laboratory) -> LabAdapter:
    """What the window's menus call."""
    runner = Runner(lab.world, lab.running.io.call_soon)
    return LabAdapter(lab.world, runner.post)


def reader(lab: Laboratory, url: str):
    views = lab.world.console.bench.state.readers
    return next((view for view in views if view.url == url), None)


def with_roles(lab: Laboratory, boards: Bench) -> tuple[str, str]:
    """Board 0 as the till, board 1 as the phone, as a person sets them up."""
    urls = tuple(f"pn532:{boards.path(board)}" for board in (0, 1))
    hands = window(lab)
    for url, role in zip(urls, ("till", "phone"), strict=True):
        hands.add_reader(url)
        hands.set_reader_role(url, role)
        lab.until(lambda url=url, role=role: reader(lab, url) is not None
                  and reader(lab, url).role == role)  # fmt: skip
    lab.until(lambda: said(lab, urls[1], "The wallet's card is in its field"))
    return urls


def said(lab: Laboratory, url: str, sentence: str) -> bool:
    return any(sentence in tell(event.what) for event in reader(lab, url).history)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_board_as_the_phone_pays_at_a_board_as_the_till(
    desk: Laboratory, boards: Bench, network: str
) -> None:
    till, phone = with_roles(desk, boards)
    world = desk.world
    [card] = [card for card in world.wallet.cards if card.network == network]
    sale = desk.run(world.hands.tap(1240, "USD", card.id))
    assert (sale.phase, sale.tap.kernel) == (PosPhase.APPROVED, NETWORKS[network])
    assert world.pos.state.reader_text == reader(desk, till).model == "PN532v1.6"
    assert world.wallet.state.screen is PhoneScreen.READ
    desk.until(lambda: said(desk, phone, "A reader asked the card"))
    assert said(desk, till, "Tap: online request")
    assert len(desk.holds(1240)) == 1
    traces = world.settings.traces_dir
    desk.until(lambda: bool(list(traces.glob("served_*.apdu"))))
    theirs = parse_trace(next(traces.glob("served_*.apdu")).read_text())
    ours = parse_trace(next(traces.glob("tap_*.apdu")).read_text())
    assert [line.command for line in theirs.lines] == [line.command for line in ours.lines]


def test_an_unarmed_phone_in_the_field_pays_nothing_and_the_amount_stays(
    desk: Laboratory, boards: Bench
) -> None:
    with_roles(desk, boards)
    world = desk.world
    desk.running.call(lambda: world.pos.set_amount(1500, "USD"))
    sale = desk.run(world.pos.charge())
    assert sale.phase is PosPhase.SEE_PHONE
    assert world.pos.amount_minor == 1500
    assert desk.holds(1500) == []


def test_a_role_is_remembered_and_taken_up_by_the_next_window(
    desk: Laboratory, boards: Bench
) -> None:
    till, phone = with_roles(desk, boards)
    kept = json.loads((desk.folder / "readers.json").read_text())
    assert kept["roles"] == {till: "till", phone: "phone"}
    desk.stop()
    again = opened(desk.folder)
    try:
        again.until(lambda: reader(again, till).role == "till")
        again.until(lambda: reader(again, phone).role == "phone")
        again.until(lambda: said(again, phone, "The wallet's card is in its field"))
        assert again.run(again.world.hands.space()).phase is PosPhase.APPROVED
    finally:
        again.stop()


def test_a_board_that_leaves_is_said_and_the_till_goes_back_to_the_screen(
    desk: Laboratory, boards: Bench
) -> None:
    till, _ = with_roles(desk, boards)
    world = desk.world
    boards.unplug(0)
    desk.running.call(lambda: world.pos.set_amount(777, "USD"))
    sale = desk.run(world.pos.charge())
    assert (sale.phase, sale.problem) == (PosPhase.FAILED, "reader_gone")
    desk.until(lambda: not reader(desk, till).usable)
    assert "plugged in" in reader(desk, till).why
    window(desk).set_reader_role("sim:", "till")
    desk.until(lambda: reader(desk, "sim:").role == "till")
    assert reader(desk, till).role == ""
    assert world.pos.amount_minor == 777
    assert desk.run(world.hands.space()).phase is PosPhase.APPROVED


def test_the_bench_sees_what_comes_and_goes_and_lends_its_reader(
    desk: Laboratory, boards: Bench
) -> None:
    url = f"pn532:{boards.path(0)}"
    for nobodys in ("pn532:/etc/passwd", "pcsc:Desk", "usb:0", "SCL3711", ""):
        window(desk).add_reader(nobodys)
    window(desk).set_reader_role("pn532:/dev/nowhere", "till")
    window(desk).add_reader(url)
    window(desk).set_reader_role(url, "bench")
    desk.until(lambda: reader(desk, url) is not None)
    assert [view.url for view in desk.world.console.bench.state.readers] == ["sim:", url]
    boards.put(SoftCard(lambda _command: bytes.fromhex("6A82")))
    desk.until(lambda: reader(desk, url).uid == "08A1B2C3")
    assert reader(desk, url).card.startswith("3B8")

    async def ask() -> bytes:
        async with desk.world.roles.bench_reader() as lent:
            link = await lent.wait_for_card(5)
            try:
                return await link.transmit(bytes.fromhex("00A4040000"))
            finally:
                await link.release()

    assert desk.run(ask()) == bytes.fromhex("6A82")
    boards.take_away()
    desk.until(lambda: reader(desk, url).uid == "")
    assert said(desk, url, "Card taken away")


def test_a_pcsc_reader_appears_with_what_it_can_do_and_leaves(
    desk: Laboratory, pcsc_namespace: PcscStack
) -> None:
    """The window started at the emulated reader, before there was any service."""
    world = desk.world
    url = f"pcsc:{pcsc_namespace.reader_name()}"
    desk.running.call(lambda: world.pos.set_amount(2500, "USD"))
    pcsc_namespace.start()
    try:
        desk.until(lambda: reader(desk, url) is not None)
        seen = reader(desk, url)
        assert (seen.model, seen.role) == ("ACS ACR122U", "")
        assert seen.capabilities == ("apdu", "lights", "buzzer")
        assert seen.roles == ("till", "bench")
        window(desk).set_reader_role(url, "till")
        desk.until(lambda: reader(desk, url).role == "till")
        assert world.pos.state.reader_text == pcsc_namespace.reader_name()
    finally:
        pcsc_namespace.kill()
    desk.until(lambda: not reader(desk, url).there)
    assert reader(desk, url).role == "till"
    assert "unplugged" in tell(world.console.state.toast)
    assert world.pos.amount_minor == 2500
    pcsc_namespace.start()
    try:
        desk.until(lambda: reader(desk, url).there)
        assert reader(desk, url).role == "till"
    finally:
        pcsc_namespace.kill()


def test_the_readers_lights_follow_the_tills_or_stay_silent(
    desk: Laboratory, pcsc_stack: PcscStack
) -> None:
    """An ACR122U as the till: its light and its one tone come after the card was read."""
    url = f"pcsc:{pcsc_stack.reader_name()}"
    desk.until(lambda: reader(desk, url) is not None)
    window(desk).set_reader_role(url, "till")
    desk.until(lambda: reader(desk, url).role == "till")
    card = pcsc_stack.insert(Phone(desk))
    desk.until(lambda: bool(reader(desk, url).card))
    assert desk.run(desk.world.hands.space()).phase is PosPhase.APPROVED
    desk.until(lambda: lights(card) and lights(card)[-1] == "FF00400C0400000000")  # out again
    sent = [command.hex().upper() for command in card.commands]
    assert sent.index("FF00400E0401010101") > max(
        number for number, command in enumerate(sent) if not command.startswith("FF")
    )
    window(desk).silence_readers(silent=True)
    desk.until(lambda: desk.world.roles.lights.silent)
    desk.until(lambda: lights(card)[-2:] == ["FF00400C0400000000"] * 2)
    told = len(lights(card))
    assert desk.run(desk.world.hands.space()).phase is PosPhase.APPROVED
    assert len(lights(card)) == told
    assert json.loads((desk.folder / "readers.json").read_text())["silent"] is True


def lights(card: VirtualCard) -> list[str]:
    return [
        command.hex().upper()
        for command in card.commands
        if command[:3].hex() in {"ff0040", "ff0052"}
    ]


class Phone:
    """This world's phone, recognised before each payment; it lies on the reader."""

    def __init__(self, lab: Laboratory) -> None:
        self._lab = lab
        self._transmit = lambda _command: bytes.fromhex("6D00")

    def __call__(self, command: bytes) -> bytes:
        if command[0] == 0xFF:
            return bytes.fromhex("9000")
        if command[1] == 0xA4 and b"2PAY" in command:
            self._transmit = self._lab.running.call(self._looked_at)
        return self._lab.running.call(lambda: self._transmit(command))

    def _looked_at(self):
        element = self._lab.world.element
        [visa] = [card for card in self._lab.world.wallet.cards if card.network == "visa"]
        seen = element.face_sensor().scan(element.challenge(), ScanOutcome.MATCH)
        element.arm(seen, visa.token_ref)
        return element.card(token_ref=visa.token_ref).transmit
