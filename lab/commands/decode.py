"""`tap-lab decode HEX`: the TLV tree with names and sources, as the window shows it."""

from __future__ import annotations

import argparse

from hardware.api import Node, decode, node_json
from lab.commands.shared import FAILED, SUCCESS, Subparsers, command, write, write_json
from lab.errors import WrongUse

HEX_MAX = 2 * 65_536


def add(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = command(commands, "decode", "decode BER-TLV data or a card's answer",
                     "tap-lab decode 6F0D8407A0000000031010A5025000", run, alone=True)  # fmt: skip
    parser.add_argument("hex", nargs="+", metavar="HEX", help="hex digits, spaces allowed")


def run(chosen: argparse.Namespace) -> int:
    """Decode; exit 1 when something in it is damaged."""
    nodes = decode(_bytes("".join(chosen.hex)))
    if chosen.json:
        write_json([node_json(node) for node in nodes])
    else:
        for node in nodes:
            write_tree(node, 0)
    return FAILED if any(map(_damaged, nodes)) else SUCCESS


def _bytes(text: str) -> bytes:
    compact = "".join(text.split())
    if not compact:
        raise WrongUse("no HEX to decode")
    if len(compact) > HEX_MAX:
        raise WrongUse("more than 64 KiB of data")
    try:
        return bytes.fromhex(compact)
    except ValueError as wrong:
        raise WrongUse("HEX is pairs of hex digits, such as 9F2608…") from wrong


def write_tree(node: Node, depth: int) -> None:
    """A node and what is inside it, indented."""
    source = f"  [{node.source}]" if node.source else ""
    value = node.value or ("" if node.children else node.value_hex)
    write(f"{'  ' * depth}{node.tag} {node.name}: {value}{source}")
    for detail in node.details:
        write(f"{'  ' * (depth + 1)}- {detail}")
    for child in node.children:
        write_tree(child, depth + 1)


def _damaged(node: Node) -> bool:
    return node.fault or any(map(_damaged, node.children))
