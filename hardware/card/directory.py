"""What a phone lists: its applications by priority, for contactless and for contact readers.

A reader in the field asks for 2PAY.SYS.DDF01 and gets every entry at once (Book B, 3.3.2); a
contact reader selects 1PAY.SYS.DDF01 and reads a record an entry (Book 1, 12.2). The order is the
element's, and the place in it the priority. A second token of the same network gets a name with a
byte more, since names are unique on a card (Book 1, 12.2.1). Knows no state and no key.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.card.credentials import Network
from hardware.card.personality import PERSONALITIES
from hardware.emv import tlv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardware.card.installed import InstalledToken

PPSE_NAME = b"2PAY.SYS.DDF01"
PSE_NAME = b"1PAY.SYS.DDF01"
PSE_FILE = 1
LAB_IIN = bytes.fromhex("999901")
"""The issuer number no issuer has: what marks a lab card."""
_PRIORITY_MAX = 15
_DISCRETIONARY_LENGTH_MAX = 222
"""Of BF0C (Book 1, 11.3.4)."""
_LABEL_LENGTH_MAX = 16
_NAME_LENGTH_MIN = 5


@dataclass(frozen=True, slots=True)
class Application:
    """One token as an application of the card.

    Attributes:
        aid: its name (4F, 84).
        priority: 1 is highest (87).
    """

    token: InstalledToken
    aid: bytes
    priority: int

    @property
    def label(self) -> bytes:
        """At most 16 characters (50; Book 3, A)."""
        return self.token.label[:_LABEL_LENGTH_MAX].encode("ascii")

    @property
    def entry(self) -> bytes:
        """What a directory says of it: name, label, priority (Book 1, 12.2.3)."""
        return (
            tlv.build(0x4F, self.aid)
            + tlv.build(0x50, self.label)
            + tlv.build(0x87, bytes([self.priority]))
        )


def applications(tokens: Sequence[InstalledToken]) -> tuple[Application, ...]:
    """The tokens as applications, in the order in which they are offered."""
    of_network: Counter[str] = Counter()
    listed = []
    for place, token in enumerate(tokens, 1):
        of_network[token.network] += 1
        number = of_network[token.network]
        more = bytes([number]) if number > 1 else b""
        aid = PERSONALITIES[Network(token.network)].aid + more
        listed.append(Application(token, aid, min(place, _PRIORITY_MAX)))
    return tuple(listed)


def named(
    listed: Sequence[Application], name: bytes, after: Application | None = None
) -> Application | None:
    """The first application whose name begins so (Book 1, 12.3.3).

    Args:
        listed: the card's applications.
        name: at least a registered provider's five bytes.
        after: the next one behind this, if it is listed still.
    """
    if len(name) < _NAME_LENGTH_MIN:
        return None
    fitting = [each for each in listed if each.aid.startswith(name)]
    if after is not None:
        names = [each.token.token_ref for each in fitting]
        ref = after.token.token_ref
        fitting = fitting[names.index(ref) + 1 :] if ref in names else []
    return fitting[0] if fitting else None


def ppse(listed: Sequence[Application]) -> bytes:
    """The contactless directory (Book B, 3.3.2.3): as many entries as there is room for."""
    entries = b""
    for each in listed:
        kernel = bytes([PERSONALITIES[Network(each.token.network)].kernel])
        entry = tlv.build(0x61, each.entry + tlv.build(0x9F2A, kernel))
        if len(entries) + len(entry) > _DISCRETIONARY_LENGTH_MAX:
            break
        entries += entry
    proprietary = tlv.build(0xA5, tlv.build(0xBF0C, entries))
    return tlv.build(0x6F, (tlv.build(0x84, PPSE_NAME), proprietary))


def pse() -> bytes:
    """The contact directory: which file holds its records (Book 1, 11.3.4)."""
    proprietary = tlv.build(0xA5, tlv.build(0x88, bytes([PSE_FILE])))
    return tlv.build(0x6F, (tlv.build(0x84, PSE_NAME), proprietary))


def pse_record(listed: Sequence[Application], number: int) -> bytes | None:
    """A record of the contact directory; None where there is none."""
    if not 1 <= number <= len(listed):
        return None
    return tlv.build(0x70, tlv.build(0x61, listed[number - 1].entry))


def file_control(application: Application, options_list: bytes) -> bytes:
    """SELECT's answer (Book 1, 11.3.4), with the lab's mark.

    Args:
        application: the selected one.
        options_list: what GPO shall carry (9F38); empty leaves it out.
    """
    proprietary = (
        tlv.build(0x50, application.label),
        tlv.build(0x87, bytes([application.priority])),
        tlv.build(0x9F38, options_list) if options_list else b"",
        tlv.build(0xBF0C, tlv.build(0x42, LAB_IIN)),
    )
    name = tlv.build(0x84, application.aid)
    return tlv.build(0x6F, (name, tlv.build(0xA5, proprietary)))
