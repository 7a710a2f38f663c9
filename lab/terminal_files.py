"""Terminal configuration as a file: TOML in, a checked `TerminalConfig` out, or one sentence.

What a till is (type, capabilities) and what it may do by application, kernel and type of
transaction (Book B, table 3-1; Books C-2 to C-4 for what each kernel leaves to the till). Keys are
told in `docs/terminal-configuration.md`. Who the shop is and whose certificates it believes stand
elsewhere. A complaint names the line, the key and what was probably meant.
"""

from __future__ import annotations

import tomllib
from dataclasses import fields as names_of
from dataclasses import replace
from pathlib import Path

from hardware.api import (
    AMOUNT_MINOR_MAX,
    ActionCodes,
    Combination,
    KernelOptions,
    Modes,
    RandomSelection,
    RelaySettings,
    ResponseLimits,
    TerminalConfig,
)
from lab.errors import WrongUse
from lab.scenarios.fields import Fields, Source
from lab.scenarios.positions import Lines
from lab.text_file import read_text_file

FILE_BYTES_MAX = 64 * 1024
COMBINATIONS_MAX = 64
UI_HOLD_MAX_MS = 60_000
PERCENT_MAX = 99
TORN_MAX, DAY_S = 100, 86_400
RELAY_TIME_MAX_100US = 0xFFFF
AID_BYTES = range(5, 17)
UNLIMITED = "none"
ZERO_AMOUNT = ("online", "not_allowed")
LIMITS_MOST = ResponseLimits(records=255, response_bytes=65_536, objects=4_096, depth=16)


def read_terminal(path: Path) -> TerminalConfig:
    """Read a terminal configuration from a file.

    Raises:
        WrongUse: it cannot be read, or something in it is wrong.
    """
    return parse_terminal(read_text_file(path, FILE_BYTES_MAX), str(path))


def parse_terminal(text: str, name: str) -> TerminalConfig:
    """Read a terminal configuration.

    Args:
        text: the file's content.
        name: how complaints call the file.

    Raises:
        WrongUse: the first thing that is wrong, with its line.
    """
    try:
        body = tomllib.loads(text)
    except (ValueError, RecursionError) as fault:
        raise WrongUse(f"{name} is no TOML: {fault}") from fault
    top = Fields(Source(name, Lines(text)), body, (), "")
    usual = TerminalConfig()
    till = top.table("terminal", "terminal") if top.has("terminal") else None
    own = usual if till is None else _till(till, usual)
    defaults = top.table("defaults", "defaults") if top.has("defaults") else None
    named = [
        _combination(each, defaults)
        for each in top.tables("combination", COMBINATIONS_MAX, lambda at: f"combination {at}")
    ]
    for at, one in enumerate(named):
        if any(_same(one, other) for other in named[:at]):
            key = ("combination", at, "aid")
            top.source.wrong(key, f"combination {at + 1}: stands for what an earlier one does")
    if not named:
        named = [_allowances(defaults, each) for each in usual.combinations]
    top.done()
    return replace(own, combinations=tuple(named))


def _till(table: Fields, usual: TerminalConfig) -> TerminalConfig:
    read = replace(
        usual,
        terminal_type=_hex(table, "type", 1, bytes([usual.terminal_type]))[0],
        capabilities=_hex(table, "capabilities", 3, usual.capabilities),
        additional_capabilities=_hex(
            table, "additional_capabilities", 5, usual.additional_capabilities
        ),
        country_numeric=table.whole("country", 1, 999, usual.country_numeric),
        ttq=_hex(table, "ttq", 4, usual.ttq),
        ui_hold_ms=table.whole("ui_hold_ms", 0, UI_HOLD_MAX_MS, usual.ui_hold_ms),
        relay_resistance=_relay(table),
        torn_records_max=table.whole("torn_transactions", 0, TORN_MAX, usual.torn_records_max),
        torn_lifetime_s=table.whole("torn_lifetime_s", 0, DAY_S, usual.torn_lifetime_s),
    )
    table.done()
    return read


def _relay(table: Fields) -> RelaySettings | None:
    """How kernel 2 measures relays; None where it shall not."""
    usual = RelaySettings()
    if not table.flag("relay_resistance", default=True):
        return None
    if not table.has("relay"):
        return usual
    times = table.table("relay", "terminal, relay")
    read = {
        each.name: times.whole(
            each.name,
            0,
            PERCENT_MAX + 1 if each.name.endswith("_percent") else RELAY_TIME_MAX_100US,
            getattr(usual, each.name),
        )
        for each in names_of(RelaySettings)
    }
    times.done()
    return RelaySettings(**read)


def _combination(table: Fields, defaults: Fields | None) -> Combination:
    aid = _bytes(table, "aid", table.text("aid"))
    if len(aid) not in AID_BYTES:
        table.wrong("aid", f"aid has {len(aid)} bytes; {AID_BYTES[0]} to {AID_BYTES[-1]} it has")
    kernel = table.whole("kernel", 1, 0xFFFFFF)
    one = _allowances(defaults, Combination(aid, kernel, offline_authentication=kernel in {2, 4}))
    if table.has("transaction_type"):
        one = replace(one, transaction_type=_hex(table, "transaction_type", 1, b"")[0])
    one = _allowances(table, one)
    table.done()
    return one


def _allowances(table: Fields | None, usual: Combination) -> Combination:
    """What a combination may do; both `[defaults]` and `[[combination]]` say it."""
    if table is None:
        return usual
    modes = table.choice("modes", [each.value for each in Modes], usual.modes.value)
    zero = table.choice("zero_amount", ZERO_AMOUNT, ZERO_AMOUNT[not usual.zero_amount_allowed])
    read = replace(
        usual,
        modes=Modes(modes),
        reader_limit_minor=_amount(table, "contactless_limit_minor", usual.reader_limit_minor),
        cvm_limit_minor=_amount(table, "cvm_limit_minor", usual.cvm_limit_minor),
        floor_limit_minor=_amount(table, "floor_limit_minor", usual.floor_limit_minor),
        zero_amount_allowed=zero == ZERO_AMOUNT[0],
        status_check=table.flag("status_check", default=usual.status_check),
        offline_authentication=table.flag(
            "offline_authentication", default=usual.offline_authentication
        ),
        ttq=_hex(table, "ttq", 4, usual.ttq) if table.has("ttq") else usual.ttq,
        capabilities=_hex(table, "capabilities", 3, usual.capabilities)
        if table.has("capabilities")
        else usual.capabilities,
        action_codes=_action_codes(table, usual.action_codes),
        selection=_selection(table, usual.selection),
        options=_options(table, usual.options),
        limits=_limits(table, usual.limits),
    )
    if table.title == "defaults":
        table.done()
    return read


def _action_codes(table: Fields, usual: ActionCodes) -> ActionCodes:
    if not table.has("action_codes"):
        return usual
    codes = table.table("action_codes", f"{table.title}, action_codes")
    read = ActionCodes(
        denial=_hex(codes, "denial", 5, usual.denial),
        online=_hex(codes, "online", 5, usual.online),
        default=_hex(codes, "default", 5, usual.default),
    )
    codes.done()
    return read


def _selection(table: Fields, usual: RandomSelection) -> RandomSelection:
    if not table.has("random_selection"):
        return usual
    chance = table.table("random_selection", f"{table.title}, random_selection")
    target = chance.whole("target_percent", 0, PERCENT_MAX)
    most = chance.whole("max_target_percent", target, PERCENT_MAX, target)
    threshold = chance.whole("threshold_minor", 0, AMOUNT_MINOR_MAX, 0)
    chance.done()
    return RandomSelection(target, most, threshold)


def _options(table: Fields, usual: KernelOptions) -> KernelOptions:
    if not table.has("kernel_options"):
        return usual
    options = table.table("kernel_options", f"{table.title}, kernel_options")
    read = KernelOptions(
        on_device_verification=options.flag("on_device_cvm", default=usual.on_device_verification),
        on_device_limit_minor=_amount(
            options, "on_device_limit_minor", usual.on_device_limit_minor
        ),
    )
    options.done()
    return read


def _limits(table: Fields, usual: ResponseLimits) -> ResponseLimits:
    if not table.has("limits"):
        return usual
    limits = table.table("limits", f"{table.title}, limits")
    names = [each.name for each in names_of(ResponseLimits)]
    read = {
        name: limits.whole(name, 1, getattr(LIMITS_MOST, name), getattr(usual, name))
        for name in names
    }
    limits.done()
    return ResponseLimits(**read)


def _amount(table: Fields, key: str, usual: int | None) -> int | None:
    """Minor units, or "none" for no limit."""
    if not table.has(key):
        return usual
    if table.body[key] == UNLIMITED:
        return None
    if isinstance(table.body[key], str):
        table.wrong(key, f'{key} is a whole number of minor units, or "{UNLIMITED}"')
    return table.whole(key, 0, AMOUNT_MINOR_MAX)


def _hex(table: Fields, key: str, length: int, usual: bytes | None) -> bytes:
    """So many bytes in hex."""
    value = _bytes(table, key, table.text(key, None if usual is None else usual.hex()))
    if len(value) != length:
        table.wrong(key, f"{key} has {len(value)} bytes; {length} it has")
    return value


def _bytes(table: Fields, key: str, text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        table.wrong(key, f"{key} is hex, two digits a byte, not {text[:40]!r}")


def _same(one: Combination, other: Combination) -> bool:
    either = {one.transaction_type, other.transaction_type}
    apart = len(either) == 2 and None not in either
    return (one.aid, one.kernel) == (other.aid, other.kernel) and not apart
