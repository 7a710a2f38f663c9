"""What the bench shows of conversations: exchanges, decoded bytes, decisions, two side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.words import Message

COMMAND, RESPONSE = "command", "response"


@dataclass(frozen=True, slots=True)
class ReaderEvent:
    """Something that happened to a reader, at a moment of lab time."""

    at_us: int
    what: Message


@dataclass(frozen=True, slots=True)
class ReaderFinding:
    """What the doctor says of readers. `level` is "note" or "problem"."""

    name: str
    level: str
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class ApduLine:
    """One exchange in the conversation. Hex is masked before it gets here."""

    index: int
    name: str
    command_hex: str
    response_hex: str
    sw: str
    meaning: str
    duration_us: int


@dataclass(frozen=True, slots=True)
class DecodedNode:
    """One line of a decoded tree; `offset` and `length` in bytes of the command or the answer.

    Attributes:
        header_length: bytes of tag and length, at the front of `length`.
        kind: "object", "bit" (a word about some of an object's bytes) or "fault".
        about: where the meaning comes from: who supplies the object, and the book.
        whole: false where objects inside say it all.
    """

    depth: int
    tag: str
    name: str
    value: str
    meaning: str
    offset: int
    length: int
    header_length: int = 0
    kind: str = "object"
    about: str = ""
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Decision:
    """What the kernel concluded from one exchange, and the object that made it.

    Attributes:
        index: of the exchange it follows.
        side: `COMMAND` or `RESPONSE`; `tag` the object there, or "" where none says it.
    """

    index: int
    text: Message
    side: str = RESPONSE
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """One tap, or one file, decoded.

    Attributes:
        id: the tap's, or one that begins with "file:".
        asked: decoded commands by index; `decoded` the answers.
        medium: phone or plastic, and how one can tell.
        source: the file it was read from; "" for a tap of this session.
        replayed: our kernel was played against the recorded answers; nothing went online.
    """

    id: str = ""
    title: str = ""
    apdus: tuple[ApduLine, ...] = ()
    asked: Mapping[int, tuple[DecodedNode, ...]] = field(default_factory=dict)
    decoded: Mapping[int, tuple[DecodedNode, ...]] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()
    medium: Message | None = None
    source: str = ""
    replayed: bool = False

    def nodes(self, index: int, side: str) -> tuple[DecodedNode, ...]:
        """The lines of one side of one exchange."""
        return (self.asked if side == COMMAND else self.decoded).get(index, ())


@dataclass(frozen=True, slots=True)
class Listed:
    """A conversation on offer."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class ObjectPair:
    """One object of two conversations; "" where one of them has none.

    Attributes:
        gained, lost: what the right one says and the left does not, and the other way round.
    """

    tag: str
    name: str
    left: str
    right: str
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExchangePair:
    """The same command in two conversations: what differs, and how much does not.

    Attributes:
        left, right: the exchanges; None where one conversation has no such command.
        asked, answered: the objects that differ.
        same: how many objects do not.
    """

    name: str
    left: ApduLine | None
    right: ApduLine | None
    asked: tuple[ObjectPair, ...] = ()
    answered: tuple[ObjectPair, ...] = ()
    same: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two conversations side by side."""

    left: Listed
    right: Listed
    pairs: tuple[ExchangePair, ...]
