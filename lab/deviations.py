"""What is not normal in this laboratory, computed in this one place.

The strip, a report's head and the guard of the tests read it. A deviation's id says how to undo
it: "fault:N" (place on the board), "breaker:visa", "clock", "traffic", "card:ID".
"""

from __future__ import annotations

from lab.console.presets import fault_key, preset_of
from lab.console.state import Deviation
from lab.engine_shapes import LabState
from lab.json_fields import Json, number_or_none, text
from lab.pos.display import network_name
from lab.words import message, tr

OURS = "ours"


def deviations(state: LabState, *, quiet_traffic: bool) -> tuple[Deviation, ...]:
    """Everything that somebody changed and can undo."""
    return (
        *_faults(state),
        *_breakers(state),
        *_clock(state),
        *_traffic(quiet_traffic=quiet_traffic),
        *_cards(state),
    )


def _faults(state: LabState) -> list[Deviation]:
    found = []
    for place, fault in enumerate(state.faults):
        amount = _amount(fault)
        if (preset := preset_of(fault)) is not None:
            key = "deviation.preset" if preset.network else "deviation.own"
            words = message(key, OURS, what=tr(f"fault.{preset.id}"), amount=amount)
        else:
            link, effect = text(fault, "link", "?"), text(fault, "effect", "?").replace("_", " ")
            words = message("deviation.fault", OURS, link=link, effect=effect, amount=amount)
        found.append(Deviation(f"fault:{place}:{fault_key(fault)}", "fault", words))
    return found


def _amount(fault: Json) -> str:
    """What a chip tells of its numbers: ", 800 ms", ", command 2"."""
    size, apdu = number_or_none(fault, "ms"), number_or_none(fault, "at_apdu")
    at = "" if apdu is None else tr("deviation.at_apdu", number=f"{apdu:g}")
    return ("" if not size else f", {size:g} ms") + at


def _breakers(state: LabState) -> list[Deviation]:
    return [
        Deviation(
            f"breaker:{breaker.name}",
            "breaker",
            message(
                "deviation.breaker", OURS, network=network_name(breaker.name), state=breaker.state
            ),
        )
        for breaker in state.breakers
        if breaker.forced
    ]


def _clock(state: LabState) -> list[Deviation]:
    if not state.clock_moved:
        return []
    if state.rate != 1.0:
        return [
            Deviation("clock", "clock", message("deviation.rate", OURS, rate=f"{state.rate:g}"))
        ]
    return [Deviation("clock", "clock", message("deviation.clock", OURS))]


def _traffic(*, quiet_traffic: bool) -> list[Deviation]:
    if not quiet_traffic:
        return []
    return [Deviation("traffic", "traffic", message("deviation.traffic", OURS))]


def _cards(state: LabState) -> list[Deviation]:
    return [
        Deviation(
            f"card:{card.card_id}",
            "card",
            message("deviation.card", OURS, network=network_name(card.network), last4=card.last4),
        )
        for card in state.suspended
    ]
