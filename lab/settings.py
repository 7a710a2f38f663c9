"""What a run of the lab is told from outside: folder, engine, seed, looks, reader.

Read once from the command line and the environment (`TAPLAB_DATA_DIR`) and then passed around as
one value. Knows where files lie inside a data folder, and nothing of what is in them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from lab.errors import SomethingMissing

DATA_DIR_VARIABLE = "TAPLAB_DATA_DIR"
THEMES = ("dark", "light", "high-contrast")
DEFAULT_READER = "sim:"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one run.

    Attributes:
        data_dir: the folder that holds the whole laboratory.
        engine_url: an engine that runs already, or None to start one.
        seed: the world's seed, or None to keep or draw one.
        profile: "lab" (phone and network take their time) or "instant".
        pace: how long choreography waits between its steps: 1 live, 0 at once.
        reader: a reader's URL or name.
        terminal_file: the till's configuration (TOML), or None for the lab's usual one.
        mag_stripe: the phone on the screen shows its card in mag-stripe mode.
        transit: whether the till is a gate of public transport.
    """

    data_dir: Path
    engine_url: str | None = None
    seed: int | None = None
    profile: str = "lab"
    pace: float = 1.0
    reader: str = DEFAULT_READER
    terminal_file: Path | None = None
    mag_stripe: bool = False
    theme: str = "dark"
    scale: float = 1.0
    presenter: bool = False
    transit: bool = False

    @property
    def secure_element_file(self) -> Path:
        """The phone's secure element."""
        return self.data_dir / "secure-element.db"

    @property
    def watch_element_file(self) -> Path:
        """The watch's secure element; there since a watch was put on."""
        return self.data_dir / "watch-element.db"

    @property
    def watch_cache_file(self) -> Path:
        """Cards that the watch still shows while it is offline."""
        return self.data_dir / "watch.json"

    @property
    def traffic_element_file(self) -> Path:
        """The secure element of the quiet shop traffic's cards."""
        return self.data_dir / "traffic.db"

    @property
    def engine_file(self) -> Path:
        """Where a running engine says its address and process id."""
        return self.data_dir / "engine.json"

    @property
    def token_file(self) -> Path:
        """The engine's local token."""
        return self.data_dir / "engine.token"

    @property
    def engine_log_file(self) -> Path:
        """What the engine child writes on stderr."""
        return self.data_dir / "engine.log"

    @property
    def phone_cache_file(self) -> Path:
        """Cards and payments that the phone still shows while it is offline."""
        return self.data_dir / "phone.json"

    @property
    def authorities_file(self) -> Path:
        """Certification authorities the till believes besides the laboratory's own."""
        return self.data_dir / "authorities.toml"

    @property
    def till_file(self) -> Path:
        """The till's memory: its sequence number and last payments."""
        return self.data_dir / "till.json"

    @property
    def readers_file(self) -> Path:
        """Which role each reader had."""
        return self.data_dir / "readers.json"

    @property
    def enrolment_file(self) -> Path:
        """Which things trigger which card of the wallet."""
        return self.data_dir / "enrolment.json"

    @property
    def scenarios_dir(self) -> Path:
        """Scenarios that were recorded in the window."""
        return self.data_dir / "scenarios"

    @property
    def traces_dir(self) -> Path:
        """Recorded conversations, masked."""
        return self.data_dir / "traces"


def default_data_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """The data folder when no option names one."""
    named = environment.get(DATA_DIR_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_data_dir("tap-lab", appauthor=False))


def prepare_data_dir(folder: Path) -> Path:
    """Make the data folder, readable by its owner alone.

    Raises:
        SomethingMissing: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as fault:
        raise SomethingMissing(
            f"data folder {folder} cannot be made ({fault.strerror})",
            f"choose another with --data-dir or {DATA_DIR_VARIABLE}",
        ) from fault
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SomethingMissing(
            f"data folder {folder} cannot be written",
            f"choose another with --data-dir or {DATA_DIR_VARIABLE}",
        )
    return folder
