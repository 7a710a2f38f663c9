"""What every part of an engine is built on, in one value, so that wiring stays short."""

from __future__ import annotations

from dataclasses import dataclass

from backend.assembly.files import Files
from backend.assembly.ground import Ground
from backend.faults.board import FaultBoard
from backend.runtime.events import EventLog
from backend.settings import Settings
from backend.switch.switch import Switch
from backend.switch.tsp_client import TspClient


@dataclass(frozen=True, slots=True)
class Base:
    """Files, world, faults, events and the way to the networks."""

    files: Files
    ground: Ground
    settings: Settings
    events: EventLog
    board: FaultBoard
    switch: Switch
    tokens: TspClient
