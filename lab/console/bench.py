"""The bench's state: readers, the last conversation and its decoded answers.

Built from the masked events of a tap, so nothing here ever held a card number.
"""

from __future__ import annotations

from backend.api import Event
from hardware.api import EMULATED, Node, ReaderInfo, decode, status_name
from lab.amounts import format_amount
from lab.clock_text import time_of_day
from lab.console.state import ApduLine, BenchState, DecodedNode, ReaderView
from lab.json_fields import text, whole
from lab.words import tr

KERNEL_NETWORKS = {2: "Mastercard", 3: "Visa", 4: "Amex"}  # Book C-2, C-3, C-4
STATUS_HEX = 4  # a status word is two bytes


def reader_views(
    readers: tuple[ReaderInfo, ...] = (EMULATED,), in_use: str = EMULATED.url, name: str = ""
) -> tuple[ReaderView, ...]:
    """Readers as data.

    Args:
        readers: those that there are.
        in_use: URL of the one that the till stands at, whole or with a part of the name.
        name: what that one is called; shown as missing while it is not among `readers`.
    """
    standing_at = _standing_at(readers, in_use, name)
    views = tuple(
        ReaderView(
            url=reader.url,
            name=reader.name,
            driver=reader.driver,
            role="till" if reader.url in standing_at else "",
            card=reader.card or "",
            usable=reader.usable,
            why=reader.why,
        )
        for reader in readers
    )
    if standing_at:
        return views
    gone = ReaderView(
        url=in_use,
        name=name,
        driver=in_use.partition(":")[0],
        role="till",
        card="",
        usable=False,
        why=tr("bench.reader.unplugged"),
    )
    return (*views, gone)


def _standing_at(readers: tuple[ReaderInfo, ...], in_use: str, name: str) -> set[str]:
    """URLs of the readers that `in_use` names: by its whole name, else by a part of it."""
    if exact := {reader.url for reader in readers if reader.url == in_use}:
        return exact
    scheme = in_use.partition(":")[0] + ":"
    return {
        reader.url
        for reader in readers
        if reader.url.startswith(scheme) and name.casefold() in reader.name.casefold()
    }


def bench_state(
    tap_id: str,
    observed: tuple[Event, ...],
    readers: tuple[ReaderView, ...],
    card_text: str = "",
) -> BenchState:
    """The conversation of one tap.

    Args:
        tap_id: which one.
        observed: what this process saw, of this tap and others.
        readers: those that there are.
        card_text: network and last four digits, once a payment tells them.
    """
    events = tuple(event for event in observed if event.tap_id == tap_id)
    lines = tuple(_line(event) for event in events if event.kind == "tap.apdu")
    decoded = {
        line.index: tuple(_flat(decode(bytes.fromhex(line.response_hex[:-STATUS_HEX])), 0))
        for line in lines
    }
    return BenchState(
        readers=readers,
        tap_id=tap_id,
        title=_title(events, card_text),
        apdus=lines,
        decoded=decoded,
    )


def _title(events: tuple[Event, ...], card_text: str) -> str:
    """The tap as people know it: "19:49:57 · $12.40 · Visa ·4242"."""
    parts = []
    for event in events:
        if event.kind == "tap.started":
            parts.append(time_of_day(event.lab_time_us))
            amount_minor = whole(event.data, "amount_minor", 0)
            if amount_minor:
                parts.append(format_amount(amount_minor, text(event.data, "currency")))
        elif event.kind == "tap.outcome" and not card_text:
            card_text = KERNEL_NETWORKS.get(whole(event.data, "kernel", 0), "")
    return " · ".join([*parts, card_text] if card_text else parts)


def _line(event: Event) -> ApduLine:
    sw = text(event.data, "sw", "")
    return ApduLine(
        index=whole(event.data, "index"),
        name=text(event.data, "name"),
        command_hex=text(event.data, "command"),
        response_hex=text(event.data, "response"),
        sw=sw,
        meaning=status_name(int(sw, 16)) if sw else "no answer",
        duration_us=whole(event.data, "duration_us"),
    )


def _flat(nodes: list[Node] | tuple[Node, ...], depth: int) -> list[DecodedNode]:
    flat: list[DecodedNode] = []
    for node in nodes:
        flat.append(
            DecodedNode(
                depth=depth,
                tag=node.tag,
                name=node.name,
                value=node.value_hex,
                meaning=node.value,
                offset=node.offset,
                length=node.length,
            )
        )
        flat.extend(_flat(node.children, depth + 1))
    return flat
