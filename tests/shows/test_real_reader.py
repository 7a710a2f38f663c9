"""The window's world at a real reader: taps, an unplugged reader, and cards that are not ours.

The card in the reader is this world's own phone, carried there by the test. The service looks for
cards every 0.4 s and an engine is a process, so these tests take as long as that.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hardware.api import ScanOutcome
from lab.console.state import BenchState, ReaderView
from lab.pos.sale import Sale
from lab.pos.state import PosPhase
from lab.wallet.state import PhoneScreen
from lab.words import tell
from tests.pcsc_card import Misbehave
from tests.pcsc_stack import OMNIKEY, PcscStack
from tests.shows.laboratory import Laboratory, opened, tap_lab

GET_PROCESSING_OPTIONS = 0xA8
BANK_CARD = bytes.fromhex("6F1E8407A0000000031010A5139F38109F66049F02065F2A029A039C019F37049000")
"""SELECT's answer of a card that pays: name and PDOL, and nothing that says it is the lab's."""
UID_COMMAND = bytes.fromhex("FFCA000000")


@pytest.fixture(scope="module")
def _desk_lab(
    tmp_path_factory: pytest.TempPathFactory, pcsc_namespace: PcscStack
) -> Iterator[Laboratory]:
    lab = opened(tmp_path_factory.mktemp("desk"), f"pcsc:{pcsc_namespace.reader_name()}")
    lab.run(lab.world.wallet.start_with_demo_cards())
    yield lab
    lab.stop()


@pytest.fixture
def desk_lab(_desk_lab: Laboratory, pcsc_stack: PcscStack) -> Laboratory:
    """A world whose till stands at the service's first slot; its reader may have been away."""
    _desk_lab.running.call(_desk_lab.world.pos.clear)
    return _desk_lab


class Phone:
    """This world's phone in the reader, armed as often as wanted."""

    def __init__(self, lab: Laboratory) -> None:
        self.lab = lab
        self.hook: Callable[[bytes], object] = lambda _command: None
        self.arm()

    def arm(self) -> None:
        element = self.lab.world.element
        [visa] = [card for card in self.lab.world.wallet.cards if card.network == "visa"]

        def scanned() -> None:
            seen = element.face_sensor().scan(element.challenge(), ScanOutcome.MATCH)
            element.arm(seen, visa.token_ref)
            self.card = element.card(token_ref=visa.token_ref)

        self.lab.running.call(scanned)

    def __call__(self, command: bytes) -> object:
        if command == UID_COMMAND:
            return b"\x08\x01\x02\x03\x90\x00"
        instead = self.hook(command)
        if instead is not None:
            return instead
        return self.lab.running.call(lambda: self.card.transmit(command))


def space(lab: Laboratory) -> Sale:
    sale = lab.run(lab.world.hands.space())
    assert sale is not None
    return sale


def test_space_charges_and_waits_for_the_card(desk_lab: Laboratory, pcsc_stack: PcscStack) -> None:
    pcsc_stack.insert(Phone(desk_lab))
    sale = space(desk_lab)
    assert sale.phase is PosPhase.APPROVED
    assert sale.amount_minor == 1240
    assert sale.tap is not None
    assert sale.tap.apdu_count == 3
    assert desk_lab.holds(1240) != []


def test_a_reader_unplugged_in_the_middle_is_named_and_the_next_charge_works(
    desk_lab: Laboratory, pcsc_stack: PcscStack
) -> None:
    world, phone = desk_lab.world, Phone(desk_lab)

    def unplug(command: bytes) -> object:
        if command[1] != GET_PROCESSING_OPTIONS:
            return None
        pcsc_stack.kill()
        return Misbehave.LEAVE

    phone.hook = unplug
    pcsc_stack.insert(phone)
    desk_lab.running.call(lambda: world.pos.set_amount(7777, "USD"))
    assert space(desk_lab).phase is PosPhase.FAILED
    assert "Reader unplugged" in tell(world.pos.state.detail)
    assert (world.pos.amount_minor, world.pos.state.can_charge) == (7777, True)
    assert space(desk_lab).phase is PosPhase.FAILED  # still unplugged: said again, at once
    assert world.pos.amount_minor == 7777

    pcsc_stack.remove_cards()
    pcsc_stack.start()
    again = Phone(desk_lab)
    pcsc_stack.insert(again)
    sale = space(desk_lab)
    assert (sale.phase, sale.amount_minor) == (PosPhase.APPROVED, 7777)
    assert len(desk_lab.holds(7777)) == 1


@pytest.mark.parametrize("apdu", [1, 2, 3])
def test_a_card_pulled_at_any_command_charges_nothing(
    apdu: int, desk_lab: Laboratory, pcsc_stack: PcscStack
) -> None:
    phone, seen = Phone(desk_lab), []

    def pull(command: bytes) -> object:
        seen.append(command)
        return Misbehave.LEAVE if len(seen) == apdu else None

    phone.hook = pull
    pcsc_stack.insert(phone)
    amount = 3000 + apdu
    desk_lab.running.call(lambda: desk_lab.world.pos.set_amount(amount, "USD"))
    sale = space(desk_lab)
    assert (sale.phase, sale.problem) == (PosPhase.TRY_AGAIN, "pulled_too_early")
    assert desk_lab.holds(amount) == []


def test_a_card_without_the_labs_mark_is_read_no_further_than_select(
    desk_lab: Laboratory, pcsc_stack: PcscStack
) -> None:
    """A bank's card: GET PROCESSING OPTIONS would already spend a cryptogram of it."""
    phone = Phone(desk_lab)
    application = bytes.fromhex("A0000000031010")

    def bank_card(command: bytes) -> bytes | None:
        if command[1] == 0xA4 and application in command:
            return BANK_CARD
        return None

    phone.hook = bank_card
    card = pcsc_stack.insert(phone)
    sale = space(desk_lab)
    assert (sale.phase, sale.problem) == (PosPhase.OTHER_CARD, "real_card")
    assert [command[1] for command in card.commands] == [0xCA, 0xA4, 0xA4]


def test_the_window_shows_the_tills_reader_coming_and_going(
    desk_lab: Laboratory, pcsc_stack: PcscStack
) -> None:
    shown: list[BenchState] = []
    world = desk_lab.world

    def see(state: object) -> None:
        if isinstance(state, BenchState):
            shown.append(state)

    forget = desk_lab.running.call(lambda: world.bus.subscribe(see))

    def till() -> ReaderView | None:
        found = [view for state in shown[-1:] for view in state.readers if view.role == "till"]
        return found[0] if found else None

    desk_lab.until(lambda: (view := till()) is not None and view.usable)
    pcsc_stack.insert(Phone(desk_lab))
    desk_lab.until(lambda: till().card == "3B80800101")
    pcsc_stack.kill()
    desk_lab.until(lambda: not till().usable)
    assert till().name == pcsc_stack.reader_name()
    desk_lab.running.call(forget)


def test_nobody_comes_and_the_cashier_cancels(desk_lab: Laboratory) -> None:
    world = desk_lab.world
    charging = desk_lab.running.call(
        lambda: world.real_scheduler.spawn(world.hands.space(), "charge")
    )
    desk_lab.until(lambda: world.pos.state.phase is PosPhase.PRESENT)
    desk_lab.running.call(world.pos.cancel)
    desk_lab.until(charging.done)
    assert (world.pos.state.phase, world.pos.amount_minor) == (PosPhase.AMOUNT, 1240)


def test_the_phone_on_the_screen_cannot_be_held_to_a_real_reader(desk_lab: Laboratory) -> None:
    desk_lab.run(desk_lab.world.hands.hold())
    notice = desk_lab.world.wallet.state.notice
    assert notice is not None
    assert "real" in tell(notice)


def test_a_window_goes_on_where_another_program_holds_the_phone(
    desk_lab: Laboratory, pcsc_stack: PcscStack
) -> None:
    """`card serve` holds the secure element; the till needs none."""
    pcsc_stack.insert(Phone(desk_lab))
    other = opened(desk_lab.folder, f"pcsc:{pcsc_stack.reader_name()}")
    try:
        assert space(other).phase is PosPhase.APPROVED
        wallet = other.world.wallet
        assert {card.network for card in wallet.cards} >= {"visa", "mastercard", "amex"}
        other.running.call(wallet.double_press)
        assert wallet.state.screen is not PhoneScreen.PAY_SHEET
        assert "not in this phone" in tell(wallet.state.notice)
    finally:
        other.running.io.stop()  # the engine is the first one's


def test_the_till_alone_opens_no_secure_element(tmp_path: Path, pcsc_stack: PcscStack) -> None:
    ran = tap_lab(
        "tap", "--amount", "5", "--reader", pcsc_stack.reader_name(), "--wait", "0.2", "--json",
        data_dir=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 1
    assert '"no_card"' in ran.stdout
    assert "Nobody tapped in time" in ran.stderr
    assert not list(tmp_path.glob("secure-element*"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pcsc:Nobody's Reader", OMNIKEY),
        ("OMNIKEY", "fits several readers"),
        ("usb:0", "no kind of reader"),
        ("nfcpy:usb:ffff:ffff", "no NFC controller"),
    ],
)
def test_a_reader_that_is_not_there_ends_the_command_with_those_that_are(
    name: str, said: str, tmp_path: Path, pcsc_namespace: PcscStack
) -> None:
    pcsc_namespace.start(OMNIKEY)
    try:
        ran = tap_lab("tap", "--amount", "5", "--reader", name, data_dir=tmp_path)
    finally:
        pcsc_namespace.kill()
    assert ran.returncode == 3
    assert said in ran.stderr


def test_a_service_that_does_not_run_is_named_with_the_remedy(
    tmp_path: Path, pcsc_namespace: PcscStack
) -> None:
    assert not pcsc_namespace.running
    ran = tap_lab("tap", "--amount", "5", "--reader", "pcsc:Any", data_dir=tmp_path)
    assert ran.returncode == 3
    assert "smart card service does not run" in ran.stderr
    listed = tap_lab("readers", data_dir=tmp_path)
    assert listed.returncode == 0
    assert "pcscd" in listed.stdout


def test_watching_tells_of_a_card_as_it_comes(tmp_path: Path, pcsc_stack: PcscStack) -> None:
    """Over 0.25 s: a process, which looks once a second."""
    watching = subprocess.Popen(
        [sys.executable, "-m", "lab", "readers", "--watch"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TAPLAB_DATA_DIR": str(tmp_path), "PYTHONUNBUFFERED": ""},
    )
    with watching:
        assert watching.stdout is not None
        listed = [watching.stdout.readline() for _ in range(3)]
        assert sum("pcsc:" in line for line in listed) == 2
        pcsc_stack.insert(lambda _: b"\x90\x00")
        changed = [watching.stdout.readline() for _ in range(2)]
        watching.terminate()
    assert [line[0] for line in changed] == ["-", "+"]
    assert "card 3B80800101" in changed[1]
