"""Any card at the window's till: things that pay, a stranger's card, typed commands.

From the window's own commands, over real driver stacks: pcscd with a virtual card that has an
identifier (FF CA), and nfcpy's PN532 driver with a tag in the field. The service looks for cards
every 0.4 s and an engine is a process, so these tests take as long as that.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.adapter import LabAdapter
from lab.anycard.state import EnrolState
from lab.pos.sale import Sale
from lab.pos.state import PosPhase
from tests import strangers_card
from tests.pcsc_stack import PcscStack
from tests.pn532_bench import Bench, SoftCard
from tests.pn532_chip import Shown
from tests.shows.laboratory import Laboratory, opened, rows_of

GET_UID = bytes.fromhex("FFCA000000")
TRANSIT_UID = bytes.fromhex("04A1B2C3D4E5F6")
STICKER = Shown(bytes.fromhex("4400"), bytes.fromhex("5E112233"), 0x00)
PHONE = Shown(bytes.fromhex("0400"), bytes.fromhex("08A1B2C3"), 0x20)
NOT_FOUND = b"\x6a\x82"


@pytest.fixture(scope="module")
def _desk(
    tmp_path_factory: pytest.TempPathFactory, pcsc_namespace: PcscStack
) -> Iterator[Laboratory]:
    lab = opened(tmp_path_factory.mktemp("any"), f"pcsc:{pcsc_namespace.reader_name()}")
    lab.run(lab.world.wallet.start_with_demo_cards())
    yield lab
    lab.stop()


@pytest.fixture
def desk(_desk: Laboratory, pcsc_stack: PcscStack) -> Laboratory:
    """A world at pcscd's first slot, with nothing enrolled."""
    world = _desk.world
    for thing in world.anycard.enrol.state.things:
        _desk.running.call(lambda thing=thing: world.anycard.enrol.forget(thing.id))
    _desk.running.call(world.anycard.stranger.done)
    _desk.running.call(world.pos.clear)
    return _desk


def window_of(lab: Laboratory) -> LabAdapter:
    """What the window would call, posted as the window posts it."""

    def post(work: Callable[[], object]) -> None:
        async def start() -> None:
            result = work()
            if result is not None:
                lab.world.real_scheduler.spawn(result, "command")  # type: ignore[arg-type]

        lab.run(start())

    return LabAdapter(lab.world, post)


def answering(uid: bytes, answer: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda command: uid + b"\x90\x00" if command == GET_UID else answer(command)


def enrol(lab: Laboratory, network: str) -> EnrolState:
    world = lab.world
    [card] = [card for card in world.wallet.cards if card.network == network]
    window_of(lab).enrol_thing(card.id)
    lab.until(lambda: world.anycard.enrol.state.listening)
    lab.until(lambda: not world.anycard.enrol.state.listening)
    return world.anycard.enrol.state


def space(lab: Laboratory) -> Sale:
    sale = lab.run(lab.world.hands.space())
    assert sale is not None
    return sale


def stored_exchanges(lab: Laboratory, sale: Sale) -> int:
    """How many exchanges of a tap the engine keeps."""
    query = "SELECT kind FROM events WHERE tap_id = ? AND kind = 'tap.apdu'"
    return len(rows_of(lab.folder / "engine.db", query, sale.tap_id))


def test_a_transit_card_behind_pcscd_pays_with_a_wallet_card(
    desk: Laboratory, pcsc_stack: PcscStack
) -> None:
    thing = pcsc_stack.insert(answering(TRANSIT_UID, lambda _command: NOT_FOUND))
    state = enrol(desk, "mastercard")
    assert [(each.thing, each.once) for each in state.things] == [("04…E5F6", False)]
    sale = space(desk)
    assert sale.phase is PosPhase.APPROVED
    assert sale.answer is not None
    assert sale.answer.network == "mastercard"
    assert {command[:1] for command in thing.commands} == {b"\xff"}  # asked for its name only
    assert desk.world.anycard.stranger.state.account is None
    assert "triggered" in desk.world.anycard.enrol.state.said.key
    assert space(desk).phase is PosPhase.APPROVED  # from then on
    desk.run(desk.world.forwarding.flush())
    assert stored_exchanges(desk, sale) == sale.tap.apdu_count  # of the wallet's card all is kept
    kept = (desk.folder / "enrolment.json").read_text()
    assert TRANSIT_UID.hex().upper() not in kept.upper()

    window_of(desk).forget_thing(state.things[0].id)
    desk.until(lambda: not desk.world.anycard.enrol.state.things)
    assert space(desk).phase is PosPhase.OTHER_CARD
    desk.until(lambda: desk.world.anycard.stranger.state.account is not None)


def test_a_strangers_card_is_told_of_and_nothing_of_it_is_stored(
    desk: Laboratory, pcsc_stack: PcscStack
) -> None:
    world = desk.world
    traces = set(world.settings.traces_dir.iterdir())
    card = pcsc_stack.insert(answering(TRANSIT_UID, strangers_card.answer))
    sale = space(desk)
    assert (sale.phase, sale.problem) == (PosPhase.OTHER_CARD, "real_card")
    desk.until(lambda: world.anycard.stranger.state.account is not None)
    account = world.anycard.stranger.state.account
    assert account is not None
    assert account.may_read_on
    assert account.promise.key == "anycard.promise"
    assert 0xA8 not in {command[1] for command in card.commands}

    window = window_of(desk)
    window.read_on()  # without having been asked, nothing happens
    window.ask_consent()
    desk.until(lambda: world.anycard.stranger.state.asking)
    window.read_on()
    desk.until(lambda: world.anycard.stranger.state.account not in {None, account})
    after = world.anycard.stranger.state.account
    assert after is not None
    assert "4242 42** **** 4242" in {value for _, value in after.facts}
    assert after.promise.key == "anycard.promise.spent"
    asked = [command[1] for command in card.commands]
    assert 0xAE not in asked
    assert asked.count(0xA8) == 1
    assert "04…E5F6" in {value for _, value in after.facts}
    assert world.console.bench.state.shown.id == "raw:consent"

    desk.run(world.forwarding.flush())
    assert set(world.settings.traces_dir.iterdir()) == traces
    assert stored_exchanges(desk, sale) == 0
    window.card_done()
    desk.until(lambda: world.anycard.stranger.state.account is None)


def test_typed_commands_reach_the_card_and_the_till_goes_first(
    desk: Laboratory, pcsc_stack: PcscStack
) -> None:
    world, raw = desk.world, desk.world.anycard.raw
    card = pcsc_stack.insert(answering(TRANSIT_UID, strangers_card.answer))
    window = window_of(desk)

    def send(typed: str, *, confirmed: bool = False) -> None:
        done = raw.state.done
        (window.confirm_command if confirmed else window.send_command)(typed)
        desk.until(
            lambda: (
                raw.state.done > done
                or raw.state.confirm is not None
                or raw.state.problem is not None
            )
        )
        desk.until(lambda: not raw.state.busy)

    send("00A4040007A000000003101000")
    assert (raw.state.in_conversation, raw.state.lab_card) == (True, False)
    send("80AE8000")
    assert raw.state.problem is not None
    assert raw.state.problem.key == "raw.effect.never"
    send("80AE8000", confirmed=True)  # nobody can confirm that
    assert 0xAE not in {command[1] for command in card.commands}
    send("00B2010C00")
    assert raw.state.confirm is not None
    assert 0xB2 not in {command[1] for command in card.commands}
    send("00B2010C00", confirmed=True)
    shown = world.console.bench.state.shown
    assert [apdu.sw for apdu in shown.apdus] == ["9000", "9000"]
    assert strangers_card.HOLDER.hex().upper() not in shown.apdus[-1].response_hex
    send("00B2020C00")  # its owner agreed, for as long as it lies here
    assert raw.state.confirm is None

    assert space(desk).phase is PosPhase.OTHER_CARD
    assert not raw.state.in_conversation
    send("zz")
    assert raw.state.problem.key == "raw.not_sent"
    pcsc_stack.remove_cards()
    window.let_card_go()


@pytest.fixture
def board() -> Iterator[Bench]:
    if importlib.util.find_spec("nfc") is None or not hasattr(os, "openpty"):
        pytest.skip("nfcpy or pseudo-terminals are missing: python3 start.py installs nfcpy")
    made = Bench(1)
    yield made
    made.close()


@pytest.fixture
def board_lab(board: Bench, tmp_path: Path) -> Iterator[Laboratory]:
    lab = opened(tmp_path / "lab", f"pn532:{board.path()}")
    lab.run(lab.world.wallet.start_with_demo_cards())
    yield lab
    lab.stop()


def test_a_sticker_at_an_nfc_board_pays_and_a_phone_does_once(
    board: Bench, board_lab: Laboratory
) -> None:
    world = board_lab.world
    board.put(SoftCard(lambda _command: NOT_FOUND, STICKER))
    assert space(board_lab).phase is PosPhase.TRY_AGAIN
    account = world.anycard.stranger.state.account
    assert account is not None
    assert "type 2" in {name.key: value for name, value in account.facts}["anycard.fact.kind"]
    state = enrol(board_lab, "visa")
    assert state.said is not None
    assert state.said.key == "enrol.done"
    sale = space(board_lab)
    assert sale.phase is PosPhase.APPROVED
    assert sale.answer is not None
    assert sale.answer.network == "visa"

    board.take_away()
    phone = SoftCard(lambda _command: NOT_FOUND, PHONE)
    board.put(phone)
    state = enrol(board_lab, "amex")
    assert state.said is not None
    assert state.said.key == "enrol.done.once"
    sale = space(board_lab)
    assert sale.phase is PosPhase.APPROVED
    assert sale.answer is not None
    assert sale.answer.network == "amex"
    assert phone.commands == []
    assert [each.once for each in world.anycard.enrol.state.things] == [False]
    assert space(board_lab).phase is PosPhase.OTHER_CARD  # once


def test_pre_flight_says_what_is_not_ready_and_its_key_mends_it(shared_lab: Laboratory) -> None:
    world, window = shared_lab.world, window_of(shared_lab)
    shared_lab.run(world.wallet.start_with_demo_cards())
    shared_lab.faults({"link": "visa.auth", "effect": "latency", "ms": 300})
    shared_lab.run(world.client.move_clock({"rate": 10.0}))
    window.preflight(1280, 720, 1.0)
    shared_lab.until(lambda: len(world.preflight.state.lines) == 7)
    shared_lab.until(lambda: not world.preflight.state.running)
    kinds = {line.name: line.text.kind for line in world.preflight.state.lines}
    assert list(kinds) == ["reader", "engine", "faults", "clock", "sleep", "sound", "screen"]
    assert (kinds["reader"], kinds["engine"], kinds["screen"]) == ("good", "good", "good")
    assert (kinds["faults"], kinds["clock"]) == ("bad", "bad")
    assert not world.preflight.state.ready
    shared_lab.run(world.client.move_clock({"rate": 1.0}))
    window.preflight_act("normal")
    shared_lab.until(
        lambda: (
            {line.text.kind for line in world.preflight.state.lines if line.name == "faults"}
            == {"good"}
        )
    )


def test_typed_commands_go_to_the_benchs_reader_and_the_till_is_left_alone(
    board: Bench, tmp_path: Path
) -> None:
    lab = opened(tmp_path / "lab")
    try:
        lab.run(lab.world.wallet.start_with_demo_cards())
        raw, window, url = lab.world.anycard.raw, window_of(lab), f"pn532:{board.path()}"
        card = SoftCard(strangers_card.answer)
        board.put(card)
        window.add_reader(url)
        window.set_reader_role(url, "bench")
        views = lab.world.console.bench
        lab.until(lambda: any(view.url == url and view.uid for view in views.state.readers))
        window.send_command("00A4040007A000000003101000")
        lab.until(lambda: raw.state.done == 1 or raw.state.problem is not None)
        assert raw.state.problem is None
        assert b"\xa0\x00\x00\x00\x03\x10\x10" in card.commands[-1]
        assert space(lab).phase is PosPhase.APPROVED  # at the emulated reader, meanwhile
        assert raw.state.in_conversation
        window.let_card_go()
        lab.until(lambda: not raw.state.in_conversation)
    finally:
        lab.stop()
