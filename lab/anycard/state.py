"""What the window shows of any card: the account of a stranger's, the raw box, what is enrolled."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.anycard.account import Account
from lab.bench.state import DecodedNode
from lab.words import Message


@dataclass(frozen=True, slots=True)
class StrangerState:
    """What lay on the reader that was not this lab's; without an account nothing is shown.

    Attributes:
        asking: its owner is being asked for consent to read on.
        waiting: it must be laid on the reader again.
        problem: why reading on did not come about.
    """

    account: Account | None = None
    asking: bool = False
    waiting: bool = False
    problem: Message | None = None


@dataclass(frozen=True, slots=True)
class RawState:
    """The raw box.

    Attributes:
        reader: whose card the commands go to.
        in_conversation: whether a card is held.
        busy: a command is under way.
        confirm: what the command that waits would do, to be confirmed; None when none waits.
        pending: that command, in hex.
        problem: why the last one was not sent or not answered.
        done: counts answers; the field is emptied when it goes up.
        heard: the answers of this conversation, masked: a card's own lists are in them.
        lab_card: whether the application selected carries this lab's mark.
    """

    reader: str = ""
    in_conversation: bool = False
    busy: bool = False
    confirm: Message | None = None
    pending: str = ""
    problem: Message | None = None
    done: int = 0
    heard: tuple[str, ...] = ()
    lab_card: bool = False


@dataclass(frozen=True, slots=True)
class Parsed:
    """A command as it is being typed: decoded, or what is wrong with it."""

    hex: str = ""
    name: str = ""
    nodes: tuple[DecodedNode, ...] = ()
    problem: str = ""
    effect: Message | None = None


@dataclass(frozen=True, slots=True)
class EnrolledView:
    """One thing that triggers a card, as it is listed."""

    id: str
    thing: str
    card: str
    reader: str
    once: bool


@dataclass(frozen=True, slots=True)
class Choosable:
    """A wallet card that a thing may trigger."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class EnrolState:
    """Things that trigger a card of the wallet.

    Attributes:
        listening: a thing may be laid on the reader now.
        possible: false where the reader recognizes nothing (the emulated one).
        said: what became of the last thing.
        reader: the till's, by name.
    """

    things: tuple[EnrolledView, ...] = ()
    cards: tuple[Choosable, ...] = field(default=())
    listening: bool = False
    possible: bool = False
    said: Message | None = None
    reader: str = ""
