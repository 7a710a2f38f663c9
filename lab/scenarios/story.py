"""A run's events as a story: who saw or did what, when, in four lanes.

We (what the scenario did and what its faults did), phone, till, and bank with the networks. Leaves
out what only machines read; the event log has it all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from backend.api import Event
from lab.scenarios.result import Result
from lab.words import tr

STORY_ROWS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Moment:
    """One line of the story.

    Attributes:
        lane: "we", "phone", "till" or "bank".
    """

    at_us: int
    lane: str
    words: str


def story_of(result: Result) -> tuple[Moment, ...]:
    """The moments in order of lab time."""
    moments = [moment for event in result.events if (moment := _moment(event)) is not None]
    return tuple(sorted(moments, key=lambda moment: moment.at_us))


def _moment(event: Event) -> Moment | None:
    if event.kind in _TOLD:
        lane, words = _TOLD[event.kind]
        return Moment(event.lab_time_us, lane, words(event))
    if event.kind.startswith("payment."):
        words_of = event.kind.removeprefix("payment.").replace("_", " ")
        code = event.data.get("response_code")
        return Moment(event.lab_time_us, "bank", f"{words_of} ({code})" if code else words_of)
    return None


def _wire(event: Event, direction: str) -> str:
    message = str(event.data.get("mti", event.data.get("message", "message")))
    network = str(event.data.get("network", event.actor))
    return tr(f"scenario.said.{direction}", message=message, network=network)


def _belief(event: Event) -> str:
    return tr("scenario.said.phone", belief=str(event.data.get("belief", "")).replace("_", " "))


def _breaker(event: Event) -> str:
    data = event.data
    return tr("scenario.said.breaker", name=data.get("name"), was=data.get("from"), to=data["to"])


def _fired(event: Event) -> str:
    return tr("scenario.said.fired", link=event.data.get("link"), effect=event.data.get("effect"))


_TOLD: dict[str, tuple[str, Callable[[Event], str]]] = {
    "scenario.step": ("we", lambda event: str(event.data.get("does", ""))),
    "fault.fired": ("we", _fired),
    "phone.showed": ("phone", _belief),
    "till.showed": ("till", _belief),
    "message.sent": ("bank", lambda event: _wire(event, "sent")),
    "message.received": ("bank", lambda event: _wire(event, "received")),
    "breaker.changed": ("bank", _breaker),
}
