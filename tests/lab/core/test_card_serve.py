"""`card serve`: the phone's card in a reader of the test's own, from command line and flow."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest

from backend.api import Entropy, LabClock
from hardware.api import (
    Address,
    Outcome,
    Publication,
    PublicationChange,
    TapRequest,
    TapResult,
    TerminalConfig,
    Transmission,
    parse_trace,
    run_tap,
)
from lab.card_serving import Arm, Failed, Happened, Read, Refused, Serving, Tapped, serve
from lab.cli import main
from lab.engine_shapes import CardRecord
from tests.lab.core.running import Running
from tests.vpcd_reader import PATIENCE_S, RESET, Slot, VirtualReader

ROOT = Path(__file__).resolve().parents[3]
SELECT_PPSE = bytes.fromhex("00A404000E325041592E5359532E444446303100")
SELECT_PSE = bytes.fromhex("00A404000E315041592E5359532E444446303100")


class SlotLink:
    """The reader's end as a link that the till's kernel can read through."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self.atr, self.uid = b"", b""

    async def transmit(self, command: bytes) -> bytes:
        return self._slot.ask(command)

    async def release(self) -> None:
        self._slot.send(RESET)


def tap(slot: Slot) -> TapResult:
    """One reading by the till's kernel, which is not the card's code."""
    work = run_tap(
        SlotLink(slot),
        TerminalConfig(),
        TapRequest(1240, 840),
        clock=LabClock(),
        stream=Entropy(7).stream("till"),
    )
    result = asyncio.run(work)
    slot.send(RESET)
    return result


class Holding:
    """A card of the shared phone in a reader, and what was told about it."""

    def __init__(self, lab: Running, serving: Serving) -> None:
        self.told: Queue[Happened] = Queue()
        self._lab = lab
        self._stop = lab.call(asyncio.Event)
        world = lab.world

        async def follow() -> None:
            stream = world.entropy.stream("published")
            async for event in serve(
                serving, world.element, log=world.log, stream=stream, stop=self._stop
            ):
                self.told.put(event)

        async def begin() -> asyncio.Task[None]:
            return asyncio.create_task(follow())

        self._task = lab.run(begin())

    def heard(self) -> Happened:
        return self.told.get(timeout=PATIENCE_S)

    def end(self) -> None:
        async def ended() -> None:
            self._stop.set()
            await self._task

        self._lab.run(ended())


@pytest.fixture
def reader() -> Iterator[VirtualReader]:
    with VirtualReader() as made:
        yield made


def card_of(lab: Running, network: str) -> CardRecord:
    return next(card for card in lab.world.wallet.cards if card.network == network)


@contextmanager
def held(
    lab: Running, reader: VirtualReader, arm: Arm, *, network: str = "visa", with_pse: bool = False
) -> Iterator[tuple[Holding, Slot]]:
    """The card in the reader, powered, until the end."""
    serving = Serving(
        Address("127.0.0.1", reader.port),
        card_of(lab, network).token_ref,
        arm,
        Transmission.T1,
        with_pse=with_pse,
    )
    holding = Holding(lab, serving)
    slot = reader.accept()
    assert slot.power_on() == Transmission.T1.atr
    assert holding.heard() == Publication(PublicationChange.PUBLISHED, reader.address)
    try:
        yield holding, slot
    finally:
        holding.end()
    assert lab.world.element.armed is None


def test_armed_once_it_pays_once(lab: Running, reader: VirtualReader) -> None:
    with held(lab, reader, Arm.ONCE) as (holding, slot):
        before = lab.world.element.tokens()[0].atc
        assert tap(slot).outcome is Outcome.ONLINE_REQUEST
        assert holding.heard() == Tapped(before + 1, armed_again=False)
        assert holding.heard() == Read(3)
        assert tap(slot).outcome is Outcome.SEE_PHONE
        assert holding.heard() == Refused()
        assert holding.heard() == Read(3)
        assert lab.world.element.tokens()[0].atc == before + 1


@pytest.mark.parametrize("network", ["visa", "mastercard", "amex"])
def test_armed_always_it_pays_every_time(network: str, lab: Running, reader: VirtualReader) -> None:
    with held(lab, reader, Arm.ALWAYS, network=network) as (holding, slot):
        token_ref = card_of(lab, network).token_ref
        before = next(t.atc for t in lab.world.element.tokens() if t.token_ref == token_ref)
        for atc in (before + 1, before + 2, before + 3):
            assert tap(slot).outcome is Outcome.ONLINE_REQUEST
            assert holding.heard() == Tapped(atc, armed_again=True)
            assert isinstance(holding.heard(), Read)


def test_never_armed_it_is_read_and_pays_nothing(lab: Running, reader: VirtualReader) -> None:
    with held(lab, reader, Arm.NEVER, network="mastercard", with_pse=True) as (holding, slot):
        atcs = [token.atc for token in lab.world.element.tokens()]
        for command in (SELECT_PPSE, SELECT_PSE):
            answer = slot.ask(command)
            assert answer[-2:] == b"\x90\x00"
        assert bytes.fromhex("A0000000041010") in slot.ask(bytes.fromhex("00B2010C00"))
        slot.send(RESET)
        assert holding.heard() == Read(3)
        assert [token.atc for token in lab.world.element.tokens()] == atcs


def test_a_card_that_is_removed_meanwhile_says_so(own_lab: Running, reader: VirtualReader) -> None:
    """Over 0.25 s: a world of its own, because a card is lost."""
    own_lab.run(own_lab.world.wallet.start_with_demo_cards())
    with held(own_lab, reader, Arm.ALWAYS) as (holding, slot):
        own_lab.run(own_lab.world.wallet.remove(card_of(own_lab, "visa").id))
        assert slot.ask(SELECT_PPSE) == bytes.fromhex("6A82")
        assert isinstance(holding.heard(), Failed)
        assert slot.ask(SELECT_PPSE) == bytes.fromhex("6A82")


def command(reader: VirtualReader, folder: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 -- our own interpreter
        [sys.executable, "-m", "lab", "card", "serve", "--vpcd", reader.address, *more],
        cwd=ROOT,
        env={**os.environ, "TAPLAB_DATA_DIR": str(folder), "TAPLAB_KEY_HOME": "file"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_what_happens_and_ends_when_told(
    end: signal.Signals, reader: VirtualReader, tmp_path: Path
) -> None:
    """Over 0.25 s: a process of its own that starts an engine on an empty folder."""
    with command(reader, tmp_path, "--json", "--pse", "--t0") as serving:
        try:
            slot = reader.accept()
            assert slot.power_on() == Transmission.T0.atr
            assert serving.stdout is not None
            published = json.loads(serving.stdout.readline())
            assert slot.ask(SELECT_PSE)[0] == 0x61
            serving.send_signal(end)
            rest, said = serving.communicate(timeout=30)
        finally:
            serving.kill()
    assert serving.returncode == 0, said
    assert "demo cards" in said
    assert published["pid"] == serving.pid
    assert published["token_ref"]
    assert {key: published[key] for key in ("event", "vpcd", "network", "last4", "atr")} == {
        "event": "published",
        "vpcd": reader.address,
        "network": "visa",
        "last4": "4242",
        "atr": "3B600000",
    }
    assert (published["protocol"], published["pse"], published["arm"]) == ("T=0", True, "once")
    read, kept = (json.loads(line) for line in rest.splitlines())
    assert read == {"event": "read", "commands": 1}
    assert kept["event"] == "trace"
    (asked,) = parse_trace(Path(kept["path"]).read_text()).lines
    assert asked.name == "SELECT 1PAY.SYS.DDF01"
    assert slot.is_left()


def test_where_no_reader_listens_it_exits_with_three_and_a_remedy(
    reader: VirtualReader, tmp_path: Path
) -> None:
    """Over 0.25 s: a process of its own that starts an engine on an empty folder."""
    reader.close()
    with command(reader, tmp_path) as serving:
        out, said = serving.communicate(timeout=30)
    assert (serving.returncode, out) == (3, "")
    assert f"{reader.address}: nothing listens there" in said
    assert "pcscd" in said


def test_another_machine_is_refused_unless_told_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["card", "serve", "--vpcd", "192.0.2.1:35963", "--data-dir", str(tmp_path)]
    assert main(arguments) == 2
    assert "--allow-non-loopback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "address", ["35963", ":35963", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "localhost:x"]
)
def test_an_address_that_is_none_is_wrong_use(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["card", "serve", "--vpcd", address])
    assert left.value.code == 2
    assert "--vpcd" in capsys.readouterr().err


@pytest.mark.parametrize(
    "where", ["", "/etc/passwd", "ttyUSB0", "/dev/ttyUSB0;reboot", "nfcpy:udp", "pcsc:ACS", "sim:"]
)
def test_what_is_no_nfc_controller_is_wrong_use(
    where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["card", "serve", "--nfc", where])
    assert left.value.code == 2
    assert "--nfc" in capsys.readouterr().err


def test_a_card_is_published_in_one_place_and_without_t0_in_a_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in ([], ["--nfc", "/dev/ttyUSB0", "--vpcd", "127.0.0.1:35963"]):
        with pytest.raises(SystemExit) as left:
            main(["card", "serve", *arguments])
        assert left.value.code == 2
    capsys.readouterr()
    field = ["card", "serve", "--nfc", "/dev/ttyUSB0", "--t0", "--data-dir", str(tmp_path)]
    assert main(field) == 2
    assert "no T=0 in a field" in capsys.readouterr().err


def test_a_phone_in_use_is_not_published(
    lab: Running, reader: VirtualReader, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(lab.world.settings.data_dir)
    assert main(["card", "serve", "--vpcd", reader.address, "--data-dir", folder]) == 3
    assert "in use" in capsys.readouterr().err


def test_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["card", "--help"], ["card", "serve", "--help"]):
        with pytest.raises(SystemExit) as left:
            main(arguments)
        assert left.value.code == 0
        assert "example: tap-lab card serve" in capsys.readouterr().out
