"""The faults that have a plain name: "Break something", in three groups.

A preset is only a handy way to write an entry of the fault plan; what is on is always what the
engine's board says, so a fault applied by a file or another command is shown here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.console.state import FaultPreset
from lab.json_fields import Json, number_or_none, text, whole

NETWORKS = ("visa", "mastercard", "amex")
NETWORK, CARD, LINES = "network", "card", "lines"
"""The groups: the chosen network, reader and card, the lines of phone, watch and till."""
ANY_APDU = 0
"""In the place of a command's number: whichever comes."""

_SLOW = (("ms", 800.0), ("jitter_ms", 200.0))
_BOARDS_OWN = frozenset({"fired", "id"})


@dataclass(frozen=True, slots=True)
class Preset:
    """A named fault with its usual numbers."""

    id: str
    group: str
    link: str
    effect: str
    parameters: tuple[tuple[str, float], ...] = ()

    @property
    def network(self) -> str:
        """The network that it concerns; "" for one of our own links."""
        return self.link.partition(".")[0] if self.group == NETWORK else ""

    def is_in(self, fault: Json) -> bool:
        """Whether an entry of the board is this preset, whatever its numbers."""
        return fault.get("link") == self.link and fault.get("effect") == self.effect


def _of_network(network: str) -> tuple[Preset, ...]:
    link = f"{network}.auth"
    return (
        Preset(f"{network}.slow", NETWORK, link, "latency", _SLOW),
        Preset(f"{network}.silent", NETWORK, link, "timeout"),
        Preset(f"{network}.request_lost", NETWORK, link, "lost_request"),
        Preset(f"{network}.answer_lost", NETWORK, link, "lost_response"),
        Preset(f"{network}.reset", NETWORK, link, "reset_peer"),
        Preset(f"{network}.garbled", NETWORK, link, "corrupt"),
    )


OWN = (
    Preset("card.pulled", CARD, "card", "pull", (("at_apdu", 2.0),)),
    Preset("card.slow", CARD, "card", "slow", (("ms", 400.0), ("at_apdu", ANY_APDU))),
    Preset("card.silent", CARD, "card", "mute", (("ms", 1000.0), ("at_apdu", 2.0))),
    Preset("card.nonsense", CARD, "card", "short_data", (("at_apdu", 2.0),)),
    Preset("reader.two_cards", CARD, "reader", "collision"),
    Preset("reader.unplugged", CARD, "reader", "unplug", (("at_apdu", 2.0),)),
    Preset("phone.offline", LINES, "phone.engine", "timeout"),
    Preset("phone.slow", LINES, "phone.engine", "latency", _SLOW),
    Preset("till.request_lost", LINES, "pos.engine", "lost_request"),
    Preset("till.answer_lost", LINES, "pos.engine", "lost_response"),
    Preset("till.cut", LINES, "pos.engine", "reset_peer"),
    Preset("till.twice", LINES, "pos.engine", "duplicate"),
)
WATCH = Preset("watch.offline", LINES, "watch.engine", "timeout")
"""Offered beside the watch, where there is one; in the panel while it is on."""
PRESETS: Mapping[str, Preset] = {
    preset.id: preset
    for preset in (*(one for network in NETWORKS for one in _of_network(network)), *OWN, WATCH)
}


def fault_of(fault_id: str, parameters: Mapping[str, float]) -> dict[str, object]:
    """The fault plan's entry for a preset.

    Raises:
        KeyError: no such preset, or a parameter that it does not have.
    """
    preset = PRESETS[fault_id]
    values = dict(preset.parameters)
    for name, value in parameters.items():
        if name not in values and name != "probability":
            raise KeyError(name)
        values[name] = value
    if values.get("at_apdu") == ANY_APDU:
        del values["at_apdu"]
    whole_values = {name: int(v) if v == int(v) else v for name, v in values.items()}
    return {"link": preset.link, "effect": preset.effect, **whole_values}


def preset_of(fault: Json) -> Preset | None:
    """The preset that an entry of the board amounts to."""
    return next((preset for preset in PRESETS.values() if preset.is_in(fault)), None)


def without_fired(fault: Json) -> dict[str, object]:
    """An entry as it can be put back: without what the board added to it."""
    return {name: value for name, value in fault.items() if name not in _BOARDS_OWN}


def fault_key(fault: Json) -> str:
    """One word for an entry, stable while it is on: "visa.auth latency"."""
    return f"{text(fault, 'link', '?')} {text(fault, 'effect', '?')}"


def rows(network: str, on: tuple[Json, ...]) -> tuple[FaultPreset, ...]:
    """The presets of one network and of our own links: what is on, and how often it fired."""
    offered = (
        preset
        for preset in PRESETS.values()
        if preset.network in {network, ""} and (preset is not WATCH or any(map(WATCH.is_in, on)))
    )
    return tuple(_row(preset, on) for preset in offered)


def _row(preset: Preset, on: tuple[Json, ...]) -> FaultPreset:
    active = next((fault for fault in on if preset.is_in(fault)), None)
    numbers = []
    for name, usual in preset.parameters:
        absent = ANY_APDU if name == "at_apdu" else usual
        given = None if active is None else number_or_none(active, name)
        numbers.append((name, (usual if active is None else absent) if given is None else given))
    return FaultPreset(
        id=preset.id,
        title=f"fault.{preset.id}",
        link=preset.link,
        effect=preset.effect,
        parameters=tuple(numbers),
        on=active is not None,
        fired=0 if active is None else whole(active, "fired", 0),
        group=preset.group,
    )
