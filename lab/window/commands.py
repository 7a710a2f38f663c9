"""What the window can ask for: three protocols, all plain calls that return nothing.

The window neither waits nor learns what became of a call except by the next state it is shown;
the adapter behind these posts every call to the I/O thread.
"""

from __future__ import annotations

from typing import Protocol

from lab.anycard.commands import AnyCardCommands
from lab.money.commands import MoneyCommands
from lab.pos.offline_commands import OfflineCommands
from lab.preflight.commands import PreflightCommands
from lab.watch.commands import WatchCommands, WatchPairing


class WalletCommands(WatchPairing, Protocol):
    """What a person does with the phone."""

    def start_with_demo_cards(self) -> None:
        """Add the lab's demo cards."""

    def begin_add(self) -> None:
        """Open the add-card form."""

    def edit_add(self, field: str, text: str) -> None:
        """Type into the form: "number", "expiry", "cvv", "terms" ("1" or ""), or "design"."""

    def submit_add(self) -> None:
        """Send the form."""

    def choose_method(self, method: str) -> None:
        """Have the bank send a code: "sms", "email", "bank_app" or "call"."""

    def type_code(self, text: str) -> None:
        """Type the bank's code."""

    def submit_code(self) -> None:
        """Send the code that was typed."""

    def resend_code(self) -> None:
        """Have another code sent."""

    def other_method(self) -> None:
        """Back from the code to the choice of methods."""

    def open_card(self, card_id: str) -> None:
        """Show one card's detail."""

    def close(self) -> None:
        """Back to the stack, whatever is open."""

    def set_default(self, card_id: str) -> None:
        """Make a card the one that pays."""

    def suspend(self, card_id: str) -> None:
        """Stop a card."""

    def reactivate(self, card_id: str) -> None:
        """Let a stopped card pay again."""

    def refresh_token(self, card_id: str) -> None:
        """Have a card's device account number replaced."""

    def open_devices(self) -> None:
        """Show phone and watch: lost and found."""

    def open_letters(self) -> None:
        """Show what banks and shops wrote."""

    def sign_out(self) -> None:
        """Leave the account on this phone and clear it."""

    def sign_in(self) -> None:
        """Come back into the account."""

    def device_lost(self, device_id: str) -> None:
        """Mark a device as lost."""

    def device_found(self, device_id: str, reactivate: bool) -> None:  # noqa: FBT001 - the seam's shape
        """Mark it as found, and let its cards pay again or not."""

    def set_express(self, card_id: str, chosen: bool) -> None:  # noqa: FBT001 - the seam's shape
        """Let a card pay at transit gates without a look at its owner, or not."""

    def double_press(self) -> None:
        """Press the side button twice: arm the pay sheet."""

    def choose_other(self) -> None:
        """Pay with another card than the one that was refused."""

    def choose(self, card_id: str) -> None:
        """Take another card on the pay sheet."""

    def scan_face(self, outcome: str) -> None:
        """Look at the phone; outcome "success", "fail" or "cancel"."""

    def enter_passcode(self, code: str) -> None:
        """Enter the passcode, complete."""

    def tap(self) -> None:
        """Hold the armed phone to the reader."""

    def dismiss_banner(self) -> None:
        """Wipe the bank's message away."""

    def open_payment(self, payment_id: str) -> None:
        """Show a payment of the history."""

    def remove(self, card_id: str) -> None:
        """Take a card out of the wallet."""


class PosCommands(OfflineCommands, Protocol):
    """What a cashier does with the till."""

    def key(self, text: str) -> None:
        """Press "0" to "9" or "00"."""

    def backspace(self) -> None:
        """Take the last digit back."""

    def clear(self) -> None:
        """Empty the amount."""

    def charge(self) -> None:
        """Ask for the amount."""

    def cancel(self) -> None:
        """Stop the sale."""

    def set_currency(self, code: str) -> None:
        """Take another currency (ISO 4217 letters)."""

    def select_receipt(self, payment_id: str) -> None:
        """Show the receipt of one of the last payments."""

    def choose_sale(self, payment_id: str) -> None:
        """Take one of the last payments, to do something with it; "" puts it away."""

    def ask_refund(self) -> None:
        """Ask on the keypad how much of the chosen sale goes back."""

    def order(self, what: str) -> None:
        """Have the chosen sale captured ("capture") or cancelled ("void")."""

    def close_day(self) -> None:
        """Take the money of every sale that waits for it."""


class LabCommands(AnyCardCommands, MoneyCommands, PreflightCommands, WatchCommands, Protocol):
    """What the person at the laboratory does."""

    def space(self) -> None:
        """The whole choreography of a tap without a reader."""

    def try_it(self, fault_id: str) -> None:
        """Send the taps that show a fault."""

    def set_fault(self, fault_id: str, on: bool, parameters: dict[str, float]) -> None:  # noqa: FBT001 - the seam's shape
        """Apply or lift a fault, with its numbers."""

    def reset_faults(self) -> None:
        """Lift every fault."""

    def export_faults(self, path: str) -> None:
        """Write what is on as a fault plan."""

    def import_faults(self, path: str) -> None:
        """Put a fault plan from a file on the board, in the place of what was there."""

    def back_to_normal(self) -> None:
        """Undo every deviation."""

    def remove_deviation(self, deviation_id: str) -> None:
        """Undo one deviation."""

    def show_network(self, name: str) -> None:
        """Put a network into the main chart."""

    def set_window(self, seconds: int) -> None:
        """How far back the main chart looks, seconds: 30, 120 or 600."""

    def show_payment(self, payment_id: str) -> None:
        """Fill the payment place."""

    def choose_tap(self, identifier: str) -> None:
        """Look at one of the bench's conversations."""

    def compare_tap(self, identifier: str) -> None:
        """Put another conversation beside it; "" takes it away."""

    def open_trace(self, path: str) -> None:
        """Look at a trace from a file."""

    def export_trace(self, path: str) -> None:
        """Write the conversation looked at, in the form that the file's ending names."""

    def replay_trace(self) -> None:
        """Play the till's kernel against the conversation looked at."""

    def jump(self, seconds: float) -> None:
        """Move lab time forward."""

    def set_rate(self, rate: float) -> None:
        """Lab seconds per second; 0 pauses."""

    def next_timer(self) -> None:
        """Move lab time to the next thing that is due."""

    def mark(self) -> None:
        """Put a flag on the time bar."""

    def record(self) -> None:
        """Record a scenario from now on; if one is being recorded, stop and save it."""

    def look_back(self, at_us: int | None) -> None:
        """Look at an earlier moment (lab time, microseconds), or at now again."""

    def quiet_traffic(self, on: bool) -> None:  # noqa: FBT001 - the seam's shape
        """Synthetic payments of a quiet shop, on or off."""

    def set_reader_role(self, url: str, role: str) -> None:
        """Let a reader be "till", "phone", "bench" or nothing ("")."""

    def add_reader(self, url: str) -> None:
        """Put a reader that no list shows on the table, by its URL."""

    def forget_reader(self, url: str) -> None:
        """Take a reader that was added by hand off the table."""

    def silence_readers(self, silent: bool) -> None:  # noqa: FBT001 - the seam's shape
        """Leave the readers' own lights and buzzers alone, or not."""

    def examine_readers(self) -> None:
        """Ask the doctor what it thinks of this machine's readers."""

    def force_breaker(self, name: str, state: str) -> None:
        """Force a breaker "open", "closed" or "auto"."""
