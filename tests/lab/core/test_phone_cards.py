"""What the phone knows of its cards by itself: the card for gates, and a counter at its end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hardware.api import ATC_MAX, parse_trace
from lab.bench.conversation import conversation_of
from lab.bus import Bus
from lab.io_thread import IoThread
from lab.pos.state import PosPhase
from lab.settings import Settings
from lab.wallet.state import CardView, PhoneScreen
from tests.lab.core.running import Running


def view_of(lab: Running, network: str) -> CardView:
    return next(card for card in lab.world.wallet.state.cards if card.network == network)


@pytest.fixture(scope="module")
def _gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    faults: list[BaseException] = []
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("gate"), seed=7, profile="instant", pace=0.0, transit=True
    )
    io = IoThread(settings, Bus(), faults.append)
    running = Running(io, io.start(), faults)
    running.run(running.world.ready())
    running.run(running.world.wallet.start_with_demo_cards())
    yield running
    running.stop()
    assert faults == []


@pytest.fixture
def gate(_gate: Running) -> Iterator[Running]:
    """A world whose till is a transit gate, with the demo cards and none chosen for gates."""
    wallet = _gate.world.wallet
    yield _gate
    for card in wallet.state.cards:
        _gate.call(lambda card=card: wallet.set_express(card.id, chosen=False))
    _gate.call(wallet.close)


def test_one_card_is_chosen_for_gates_and_let_go(lab: Running) -> None:
    wallet = lab.world.wallet
    for network in ("visa", "amex"):
        card = view_of(lab, network)
        lab.call(lambda card=card: wallet.open_card(card.id))
        lab.call(lambda card=card: wallet.set_express(card.id, chosen=True))
        assert [card.network for card in wallet.state.cards if card.is_express] == [network]
        assert wallet.state.notice.key == "wallet.express.on"
    lab.call(lambda: wallet.set_express(view_of(lab, "amex").id, chosen=False))
    assert not any(card.is_express for card in wallet.state.cards)
    assert wallet.state.notice.key == "wallet.express.off"
    lab.call(lambda: wallet.set_express("card_unknown", chosen=True))
    assert not any(card.is_express for card in wallet.state.cards)


def test_the_express_card_walks_through_and_no_other(gate: Running) -> None:
    """Over 0.25 s: a world starts, with three cards."""
    world = gate.world
    assert world.pos.state.reader_text.endswith("transit gate")
    armed: list[str] = []
    world.log.subscribe(lambda event: armed.append(event.kind))
    sale = gate.run(world.hands.tap(290, "USD"))
    assert sale.phase is PosPhase.APPROVED
    assert "phone.armed" in armed
    armed.clear()
    card = view_of(gate, "mastercard")
    gate.call(lambda: world.wallet.set_express(card.id, chosen=True))
    sale = gate.run(world.hands.tap(290, "USD"))
    assert sale.phase is PosPhase.APPROVED
    assert (sale.tap.kernel, sale.tap.cdcvm) == (2, False)
    assert "phone.armed" not in armed
    other = view_of(gate, "visa")
    sale = gate.run(world.hands.tap(290, "USD", other.id))
    assert (sale.phase, sale.tap.kernel, sale.tap.cdcvm) == (PosPhase.APPROVED, 3, True)
    assert "phone.armed" in armed


def test_a_card_at_the_end_of_its_counter_says_that_it_has_to_be_refreshed(
    own_lab: Running,
) -> None:
    """Over 0.25 s: a world starts, with three cards."""
    world, wallet = own_lab.world, own_lab.world.wallet
    own_lab.run(wallet.start_with_demo_cards())
    visa = view_of(own_lab, "visa")

    def age() -> None:
        with world.element._file.writing():
            world.element._file._connection.execute(
                "UPDATE tokens SET atc=? WHERE token_ref=?", (ATC_MAX - 1, visa.token_ref)
            )

    own_lab.call(age)
    sale = own_lab.run(world.hands.tap(1240, "USD", visa.id))
    assert (sale.phase, sale.tap.atc) == (PosPhase.APPROVED, ATC_MAX)
    own_lab.call(wallet.close)
    assert view_of(own_lab, "visa").is_spent
    assert own_lab.run(world.hands.tap(1240, "USD", visa.id)) is None
    assert wallet.state.notice.key == "wallet.needs_refresh"
    assert wallet.state.screen is PhoneScreen.STACK
    own_lab.call(lambda: wallet.set_express(visa.id, chosen=True))
    assert world.element.express is None
    # another card is chosen on the sheet, and the spent one after it: the scan arms nothing
    own_lab.call(lambda: wallet.open_card(view_of(own_lab, "amex").id))
    own_lab.call(wallet.double_press)
    own_lab.call(lambda: wallet.choose(visa.id))
    assert own_lab.run(wallet.scan_face("success")) is False
    assert wallet.state.notice.key == "wallet.needs_refresh"
    assert world.element.armed is None
    assert next(t.atc for t in world.element.tokens() if t.network == "visa") == ATC_MAX
    amex = view_of(own_lab, "amex")
    assert own_lab.run(world.hands.tap(1240, "USD", amex.id)).phase is PosPhase.APPROVED


@pytest.mark.parametrize(("network", "tag"), [("visa", "9F6C"), ("amex", "9F71")])
def test_the_bench_says_that_nobody_was_recognised(gate: Running, network: str, tag: str) -> None:
    """Over 0.25 s: a world starts, with three cards."""
    card = view_of(gate, network)
    gate.call(lambda: gate.world.wallet.set_express(card.id, chosen=True))
    sale = gate.run(gate.world.hands.tap(290, "USD"))
    assert sale.phase is PosPhase.APPROVED
    text = (gate.world.settings.traces_dir / f"{sale.tap_id}.apdu").read_text()
    shown = conversation_of(parse_trace(text), sale.tap_id, sale.tap_id)
    said = {(each.text.key, each.tag) for each in shown.decisions}
    assert ("bench.why.nobody", tag) in said
    assert "bench.why.verified" not in {key for key, _ in said}
