"""A reader on the table as data: what it is, which part it plays, what happened to it.

Pure values and rules: which roles a device can play follows from what it can do. Knows no driver,
no thread and no window.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from enum import StrEnum

from hardware.api import EMULATED, NFC_SCHEMES, PCSC_SCHEME, ReaderInfo, in_order
from lab.bench.state import ReaderEvent
from lab.console.state import ReaderView
from lab.words import Message

HISTORY_MAX = 40
_TROUBLES = frozenset({PCSC_SCHEME, *NFC_SCHEMES})


class Role(StrEnum):
    """What a reader is for."""

    NONE = ""
    TILL = "till"
    """The till takes cards there. One reader at a time."""
    PHONE = "phone"
    """The wallet's card is in its field, for another reader. One at a time."""
    BENCH = "bench"
    """The bench looks at whatever lies on it."""


ALONE = frozenset({Role.TILL, Role.PHONE})
"""Roles that one device at a time plays."""


@dataclass(slots=True)
class Device:
    """One reader, there or expected.

    Attributes:
        there: whether it is plugged in, as far as can be seen without opening it.
        trouble: what whoever used it last says is wrong; "" when it worked.
        card: what lies on it: an ATR, or words of the one who looked.
        uid: the identifier of what lies on it, where somebody asked.
        label: its short name beside the others.
        named: whether a person named it by its URL.
        listed: whether a list has shown it, so that its absence there means something.
    """

    info: ReaderInfo
    role: Role = Role.NONE
    there: bool = True
    trouble: str = ""
    card: str = ""
    uid: str = ""
    label: str = ""
    named: bool = False
    listed: bool = False
    history: deque[ReaderEvent] = field(default_factory=lambda: deque(maxlen=HISTORY_MAX))

    @property
    def identity(self) -> str:
        """What its role is remembered by."""
        return self.info.identity

    @property
    def usable(self) -> bool:
        """Whether somebody could use it now."""
        return self.there and self.info.usable and not self.trouble

    @property
    def is_shown(self) -> bool:
        """Whether the window shows it: one that has gone only where somebody waits for it."""
        return self.there or self.named or self.role is not Role.NONE

    def is_of(self, kind: str) -> bool:
        """Whether a list of this kind ("pcsc" or "nfc") would show it."""
        if self.info.url == EMULATED.url:
            return False
        return self.info.url.startswith(PCSC_SCHEME) == (kind == "pcsc")

    def became(self, info: ReaderInfo) -> None:
        """It was seen (again), perhaps at another port."""
        if info.card != self.info.card:
            self.uid = ""
        self.info = info
        self.card = info.card or ""

    def note(self, at_us: int, what: Message) -> None:
        """Something happened to it."""
        self.history.appendleft(ReaderEvent(at_us, what))

    def view(self) -> ReaderView:
        """As the window shows it."""
        why = self.info.why or self.trouble
        return ReaderView(
            url=self.info.url,
            name=self.info.name,
            driver=self.info.driver,
            role=self.role.value,
            card=self.card,
            usable=self.usable,
            why=why if self.there else "",
            there=self.there,
            label=self.label,
            uid=self.uid,
            model=self.info.model,
            serial=self.info.serial,
            capabilities=in_order(self.info.capabilities),
            quirks=self.info.quirks,
            roles=tuple(role.value for role in roles_of(self.info)),
            named=self.named,
            history=tuple(self.history),
        )


def roles_of(info: ReaderInfo) -> tuple[Role, ...]:
    """The roles that a device can play: none has a card in its field that cannot emulate one."""
    if info.url == EMULATED.url:
        return (Role.TILL,)
    plays = (Role.PHONE,) if "emulate" in info.capabilities else ()
    return (Role.TILL, *plays, Role.BENCH)


def is_trouble(info: ReaderInfo) -> bool:
    """Whether this line is no reader but says why a whole kind of readers cannot be seen."""
    return info.url in _TROUBLES


def absent(url: str, name: str) -> ReaderInfo:
    """A reader that was asked for and has not been seen yet."""
    driver = url.partition(":")[0]
    return ReaderInfo(url, name, driver, ("apdu",), None, usable=True, why="")


def without_card(info: ReaderInfo) -> ReaderInfo:
    """The same reader once it has gone."""
    return replace(info, card=None)
