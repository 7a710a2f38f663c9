"""The faults that have a plain name, one set for each network: "Break something".

A preset is only a handy way to write an entry of the fault plan; what is on is always what the
engine's board says, so a fault applied by a file or another command is shown here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.console.state import FaultPreset
from lab.json_fields import Json, number_or_none, text, whole

NETWORKS = ("visa", "mastercard", "amex")


@dataclass(frozen=True, slots=True)
class PresetKind:
    """A named fault on the link between switch and host, with its usual numbers."""

    name: str
    effect: str
    parameters: tuple[tuple[str, float], ...] = ()


KINDS = (
    PresetKind("slow", "latency", (("ms", 800.0), ("jitter_ms", 200.0))),
    PresetKind("silent", "timeout"),
    PresetKind("request_lost", "lost_request"),
    PresetKind("answer_lost", "lost_response"),
    PresetKind("reset", "reset_peer"),
    PresetKind("garbled", "corrupt"),
)


def split_id(fault_id: str) -> tuple[str, PresetKind]:
    """Network and kind of "visa.slow".

    Raises:
        KeyError: no such preset.
    """
    network, _, name = fault_id.partition(".")
    for kind in KINDS:
        if network in NETWORKS and kind.name == name:
            return network, kind
    raise KeyError(fault_id)


def fault_of(fault_id: str, parameters: Mapping[str, float]) -> dict[str, object]:
    """The fault plan's entry for a preset.

    Raises:
        KeyError: no such preset, or a parameter that it does not have.
    """
    network, kind = split_id(fault_id)
    values = dict(kind.parameters)
    for name, value in parameters.items():
        if name not in values and name != "probability":
            raise KeyError(name)
        values[name] = value
    whole_values = {name: int(v) if v == int(v) else v for name, v in values.items()}
    return {"link": f"{network}.auth", "effect": kind.effect, **whole_values}


def is_preset(fault: Json, fault_id: str) -> bool:
    """Whether an entry of the board is that preset, whatever its numbers."""
    network, kind = split_id(fault_id)
    return fault.get("link") == f"{network}.auth" and fault.get("effect") == kind.effect


def preset_id_of(fault: Json) -> str | None:
    """The preset that an entry of the board amounts to."""
    for network in NETWORKS:
        for kind in KINDS:
            fault_id = f"{network}.{kind.name}"
            if is_preset(fault, fault_id):
                return fault_id
    return None


def without_fired(fault: Json) -> dict[str, object]:
    """An entry as it can be put back: without what the board added to it."""
    return {name: value for name, value in fault.items() if name not in {"fired", "id"}}


def fault_key(fault: Json) -> str:
    """One word for an entry, stable while it is on: "visa.auth latency"."""
    return f"{text(fault, 'link', '?')} {text(fault, 'effect', '?')}"


def rows(network: str, on: tuple[Json, ...]) -> tuple[FaultPreset, ...]:
    """The presets of one network, with what is on and how often it fired."""
    made = []
    for kind in KINDS:
        fault_id = f"{network}.{kind.name}"
        active = next((fault for fault in on if is_preset(fault, fault_id)), None)
        numbers = []
        for name, usual in kind.parameters:
            given = None if active is None else number_or_none(active, name)
            numbers.append((name, usual if given is None else given))
        made.append(
            FaultPreset(
                id=fault_id,
                title=f"fault.{fault_id}",
                link=f"{network}.auth",
                effect=kind.effect,
                parameters=tuple(numbers),
                on=active is not None,
                fired=0 if active is None else whole(active, "fired", 0),
            )
        )
    return tuple(made)
