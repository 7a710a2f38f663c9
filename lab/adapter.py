"""From the window's plain calls to the flows: each call is posted to the I/O thread.

The window calls from Qt's thread, gets nothing back and sees the result as the next state. What a
flow raises because the engine refused or is away becomes a sentence, not a crash.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

from lab.anycard.commands import AnyCardAdapter
from lab.console.presets import PRESETS
from lab.errors import EngineRefused, EngineUnreachable, LabError, NotDone
from lab.in_hand import PHONE
from lab.load import synthetic_till
from lab.load.quiet_traffic import QuietTraffic
from lab.money.commands import MoneyAdapter
from lab.pos.display import network_name
from lab.preflight.commands import PreflightAdapter
from lab.reader_roles.devices import Role
from lab.reader_roles.doctor import examine_readers
from lab.watch.commands import PairingAdapter, WatchAdapter
from lab.words import Message, message
from lab.world import World

Work = Callable[[], Awaitable[object] | None]
Post = Callable[[Work], None]


class Runner:
    """Runs posted work in the I/O thread's loop."""

    def __init__(self, world: World, call_soon: Callable[[Callable[[], None]], object]) -> None:
        """Run the work of one world.

        Args:
            world: whose flows are called.
            call_soon: hands a callable to the I/O thread (`loop.call_soon_threadsafe`).
        """
        self._world = world
        self._call_soon = call_soon

    def post(self, work: Work) -> None:
        """Run `work` soon, in the I/O thread; from any thread."""
        self._call_soon(lambda: self._start(work))

    def _start(self, work: Work) -> None:
        result = work()
        if result is not None:
            self._world.real_scheduler.spawn(self._finish(result), "command")

    async def _finish(self, result: Awaitable[object]) -> None:
        try:
            await result
        except EngineUnreachable:
            self._world.console.toast(Message("console.unreachable", "bad"))
        except EngineRefused as refusal:
            self._world.console.toast(message("console.refused", "bad", why=refusal.detail))
        except LabError as fault:
            self._world.console.toast(message("console.refused", "bad", why=str(fault)))


class WalletAdapter(PairingAdapter):
    """The window's `WalletCommands`."""

    def __init__(self, world: World, post: Post) -> None:
        PairingAdapter.__init__(self, world.watch, post)
        self._flow = world.wallet
        self._hands = world.hands
        self._post = post

    def start_with_demo_cards(self) -> None:
        """Add the lab's demo cards."""
        self._post(self._flow.start_with_demo_cards)

    def begin_add(self) -> None:
        """Open the add-card form."""
        self._post(self._flow.begin_add)

    def edit_add(self, field: str, text: str) -> None:
        """Type into the form."""
        self._post(lambda: self._flow.edit_add(field, text))

    def submit_add(self) -> None:
        """Send the form."""
        self._post(self._flow.submit_add)

    def choose_method(self, method: str) -> None:
        """Have the bank send a code."""
        self._post(lambda: self._flow.verifying.choose(method))

    def type_code(self, text: str) -> None:
        """Type the code."""
        self._post(lambda: self._flow.verifying.type_code(text))

    def submit_code(self) -> None:
        """Send the code."""
        self._post(self._flow.verifying.submit)

    def resend_code(self) -> None:
        """Have another code sent."""
        self._post(self._flow.verifying.resend)

    def other_method(self) -> None:
        """Back to the choice of methods."""
        self._post(self._flow.verifying.other_method)

    def open_card(self, card_id: str) -> None:
        """Show one card's detail."""
        self._post(lambda: self._flow.open_card(card_id))

    def close(self) -> None:
        """Back to the stack."""
        self._post(self._flow.close)

    def set_default(self, card_id: str) -> None:
        """Make a card the one that pays."""
        self._post(lambda: self._flow.actions.set_default(card_id))

    def suspend(self, card_id: str) -> None:
        """Stop a card."""
        self._post(lambda: self._flow.actions.suspend(card_id))

    def reactivate(self, card_id: str) -> None:
        """Let a stopped card pay again."""
        self._post(lambda: self._flow.actions.reactivate(card_id))

    def refresh_token(self, card_id: str) -> None:
        """Have a card's device account number replaced."""
        self._post(lambda: self._flow.actions.refresh_token(card_id))

    def open_devices(self) -> None:
        """Show phone and watch."""
        self._post(self._flow.actions.open_devices)

    def open_letters(self) -> None:
        """Show what banks and shops wrote."""
        self._post(self._flow.actions.open_letters)

    def sign_out(self) -> None:
        """Leave the account."""
        self._post(self._flow.account.sign_out)

    def sign_in(self) -> None:
        """Come back into it."""
        self._post(self._flow.account.sign_in)

    def device_lost(self, device_id: str) -> None:
        """Mark a device as lost."""
        self._post(lambda: self._flow.actions.lost(device_id))

    def device_found(self, device_id: str, reactivate: bool) -> None:  # noqa: FBT001 -- the seam's shape
        """Mark it as found."""
        self._post(lambda: self._flow.actions.found(device_id, reactivate_cards=reactivate))

    def set_express(self, card_id: str, chosen: bool) -> None:  # noqa: FBT001 - the seam's shape
        """Let a card pay at transit gates, or not."""
        self._post(lambda: self._flow.set_express(card_id, chosen=chosen))

    def double_press(self) -> None:
        """Press the side button twice."""
        self._post(self._flow.double_press)

    def choose_other(self) -> None:
        """Pay with another card."""
        self._post(self._flow.choose_other)

    def choose(self, card_id: str) -> None:
        """Take another card on the pay sheet."""
        self._post(lambda: self._flow.choose(card_id))

    def scan_face(self, outcome: str) -> None:
        """Look at the phone: "success", "fail" or "cancel"."""
        self._post(lambda: self._flow.scan_face(outcome))

    def enter_passcode(self, code: str) -> None:
        """Enter the passcode."""
        self._post(lambda: _done(self._flow.enter_passcode(code)))

    def tap(self) -> None:
        """Hold the phone to the reader."""
        self._post(self._hold)

    async def _hold(self) -> None:
        self._watch.take(PHONE)
        await self._hands.hold()

    def dismiss_banner(self) -> None:
        """Wipe the bank's message away."""
        self._post(self._flow.dismiss_banner)

    def open_payment(self, payment_id: str) -> None:
        """Show a payment of the history."""
        self._post(lambda: self._flow.on_open_payment(payment_id))

    def remove(self, card_id: str) -> None:
        """Take a card out of the wallet."""
        self._post(lambda: self._flow.remove(card_id))


class LabAdapter(AnyCardAdapter, MoneyAdapter, PreflightAdapter, WatchAdapter):
    """The window's `LabCommands`."""

    def __init__(self, world: World, post: Post) -> None:
        AnyCardAdapter.__init__(self, world.anycard, post)
        MoneyAdapter.__init__(self, world.money, post)
        PreflightAdapter.__init__(self, world.preflight, post)
        WatchAdapter.__init__(self, world.watch, post)
        self._world = world
        self._console = world.console
        self._post = post
        self._traffic = contextlib.AsyncExitStack()
        self._traffic_on = False
        world.console.stop_traffic = self._stop_traffic

    def space(self) -> None:
        """The whole choreography of a tap."""
        self._post(self._world.hands.space)

    def try_it(self, fault_id: str) -> None:
        """Put the fault on if it is not, and send the tap that shows it."""
        self._post(lambda: self._try_it(fault_id))

    def set_fault(self, fault_id: str, on: bool, parameters: dict[str, float]) -> None:  # noqa: FBT001 -- the seam's shape
        """Apply or lift a fault, with its numbers."""
        self._post(lambda: self._console.set_fault(fault_id, on=on, parameters=parameters))

    def reset_faults(self) -> None:
        """Lift every fault."""
        self._post(self._console.reset_faults)

    def export_faults(self, path: str) -> None:
        """Write what is on as a fault plan."""
        self._post(lambda: self._console.export_faults(Path(path)))

    def import_faults(self, path: str) -> None:
        """Put a fault plan from a file on the board."""
        self._post(lambda: self._console.import_faults(Path(path)))

    def back_to_normal(self) -> None:
        """Undo every deviation."""
        self._post(self._console.back_to_normal)

    def remove_deviation(self, deviation_id: str) -> None:
        """Undo one deviation."""
        self._post(lambda: self._console.remove_deviation(deviation_id))

    def show_network(self, name: str) -> None:
        """Put a network into the main chart."""
        self._post(lambda: self._console.show_network(name))

    def set_window(self, seconds: int) -> None:
        """How far back the chart looks: 30, 120 or 600 seconds."""
        self._post(lambda: self._console.set_window(seconds))

    def show_payment(self, payment_id: str) -> None:
        """Fill the payment place."""
        self._post(lambda: self._console.show_payment(payment_id))

    def choose_tap(self, identifier: str) -> None:
        """Look at one of the bench's conversations."""
        self._post(lambda: self._console.bench.choose(identifier))

    def compare_tap(self, identifier: str) -> None:
        """Put another conversation beside it."""
        self._post(lambda: self._console.bench.compare(identifier))

    def open_trace(self, path: str) -> None:
        """Look at a trace from a file."""
        self._post(lambda: self._console.bench.open_file(Path(path)))

    def export_trace(self, path: str) -> None:
        """Write the conversation looked at."""
        self._post(lambda: self._console.bench.export(Path(path)))

    def replay_trace(self) -> None:
        """Play the till's kernel against the conversation looked at."""
        self._post(self._console.bench.replay)

    def jump(self, seconds: float) -> None:
        """Move lab time forward."""
        self._post(lambda: self._console.jump(seconds))

    def set_rate(self, rate: float) -> None:
        """Lab seconds per second; 0 pauses."""
        self._post(lambda: self._console.set_rate(rate))

    def next_timer(self) -> None:
        """Move lab time to the next thing that is due."""
        self._post(self._console.next_timer)

    def mark(self) -> None:
        """Put a flag on the time bar."""
        self._post(self._console.mark)

    def record(self) -> None:
        """Record a scenario from now on, or stop and save the one being recorded."""
        self._post(self._record)

    def look_back(self, at_us: int | None) -> None:
        """Look at an earlier moment, or at now again."""
        self._post(lambda: self._console.look_back(at_us))

    def quiet_traffic(self, on: bool) -> None:  # noqa: FBT001 -- the seam's shape
        """Synthetic payments of a quiet shop, on or off."""
        self._post(self._start_traffic if on else self._stop_traffic)

    def set_reader_role(self, url: str, role: str) -> None:
        """Let a reader be "till", "phone", "bench" or nothing ("")."""
        self._post(lambda: self._world.roles.set_role(url, Role(role)))

    def add_reader(self, url: str) -> None:
        """Put a reader that no list shows on the table."""
        self._post(lambda: self._add_reader(url))

    def forget_reader(self, url: str) -> None:
        """Take a reader that was added by hand off the table."""
        self._post(lambda: self._world.roles.forget(url))

    def silence_readers(self, silent: bool) -> None:  # noqa: FBT001 -- the seam's shape
        """Leave the readers' own lights and buzzers alone, or not."""
        self._post(lambda: self._world.roles.silence(silent=silent))

    def examine_readers(self) -> None:
        """Ask the doctor what it thinks of this machine's readers."""
        self._post(lambda: examine_readers(self._world.settings, self._console.bench))

    def force_breaker(self, name: str, state: str) -> None:
        """Force a breaker "open", "closed" or "auto"."""
        self._post(lambda: self._console.force_breaker(name, state))

    async def _add_reader(self, url: str) -> None:
        self._world.roles.add(url)

    async def _try_it(self, fault_id: str) -> None:
        network = PRESETS[fault_id].network  # none: whatever card lies on top
        fits = [c for c in self._world.wallet.cards if c.is_verified and network in {"", c.network}]
        if not fits:
            name = network_name(network)
            key = "console.no_card_of" if network else "console.no_card"
            self._console.toast(message(key, "bad", network=name))
            return
        card = next((c for c in fits if c.is_default), fits[0])
        if not self._console.is_on(fault_id):
            await self._console.set_fault(fault_id, on=True, parameters={})
        hands, pos = self._world.hands, self._world.pos
        self._world.watch.take(PHONE)  # the card is the phone's
        await hands.tap(pos.amount_minor or 1240, pos.state.currency, card.id)

    async def _record(self) -> None:
        desk = self._world.desk
        if not desk.is_on:
            await desk.start()
            self._console.toast(Message("recording.begun", "ours"))
            return
        try:
            saved = await desk.stop(self._world.settings.scenarios_dir)
        except NotDone:
            self._console.toast(Message("recording.nothing", "waiting"))
            return
        words = message("recording.saved", "good", steps=saved.steps, path=saved.path)
        self._console.toast(words)

    async def _start_traffic(self) -> None:
        if self._traffic_on:
            return
        self._traffic_on = True
        world = self._world
        try:
            till = await self._traffic.enter_async_context(
                synthetic_till.opened(
                    world.settings.traffic_element_file,
                    client=world.client,
                    engine=world.engine,
                    clock=world.clock,
                    scheduler=world.real_scheduler,
                    entropy=world.entropy,
                )
            )
        except LabError:
            self._traffic_on = False
            raise
        traffic = QuietTraffic(
            till, world.client, world.real_scheduler, world.entropy.stream("quiet traffic")
        )
        task = world.real_scheduler.spawn(traffic.run(), "quiet traffic")
        self._traffic.callback(task.cancel)
        self._console.traffic_is(on=True)

    async def _stop_traffic(self) -> None:
        await self._traffic.aclose()
        self._traffic_on = False
        self._console.traffic_is(on=False)


def _done(_result: object) -> None:
    """For a call whose answer the window learns from the next state."""
