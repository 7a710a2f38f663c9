"""What can be chosen about an engine: from the command line, else the environment, else a default.

Knows names, defaults and what is refused; does nothing. Paths follow the platform.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from backend.cache.policy import DEFAULT as DEFAULT_CACHE
from backend.cache.policy import PRESETS as CACHE_PRESETS
from backend.cache.policy import CachePolicy
from backend.runtime.errors import UsageError
from backend.webhooks.schedules import DEFAULT_SCHEDULE, SCHEDULES

PROFILES = ("lab", "instant")
DATA_DIR_VARIABLE = "TAPLAB_DATA_DIR"
DATABASE_VARIABLE = "TAPLAB_DATABASE_URL"
REDIS_VARIABLE = "TAPLAB_REDIS_URL"
NETWORKS_VARIABLE = "TAPLAB_NETWORKS_DIR"
CACHE_VARIABLE = "TAPLAB_CACHE_PRESET"
CACHE_SLOTS_VARIABLE = "TAPLAB_CACHE_SLOTS"
CACHE_BYTES_VARIABLE = "TAPLAB_CACHE_BYTES"
CACHE_BYTES_MAX = 10**12
WEBHOOK_SCHEDULE_VARIABLE = "TAPLAB_WEBHOOK_SCHEDULE"
WEBHOOKS_ELSEWHERE_VARIABLE = "TAPLAB_ALLOW_WEBHOOKS_ELSEWHERE"
KILL_VARIABLE = "TAPLAB_KILL_AT"
KILL_MOMENTS = ("before", "after")
PORT_MAX = 65_535
SNAPSHOT_DAYS_MAX = 366


@dataclass(frozen=True, slots=True)
class Settings:
    """One engine.

    Attributes:
        host: address to listen on; loopback, unless `allow_non_loopback`.
        port: 0 takes a free one.
        redis_url: None keeps the cache inside the process.
        cache_policy: the times and key names that the cache has.
        seed: None keeps the seed of the data folder (a fresh folder draws one).
        profile: delays of the simulated networks: "lab" or "instant".
        exit_when_idle: stop when the last attached command or window is gone.
        kill_at: "before" or "after", and the number of the commit there at which the engine kills
            itself (SIGKILL), to show that nothing is lost; None never does.
        networks_dir: folder of network hosts that run apart; None runs them inside the engine.
        webhook_schedule: which design's waits a new webhook endpoint gets.
        allow_webhooks_elsewhere: whether webhooks may go to other machines than this one.
        environment: where the key home looks for its choice and passphrase.
        daily_snapshots: how many days' copies are kept under the data folder; 0 takes none.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 0
    redis_url: str | None = None
    seed: int | None = None
    profile: str = "lab"
    exit_when_idle: bool = False
    allow_non_loopback: bool = False
    networks_dir: Path | None = None
    kill_at: tuple[str, int] | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    cache_policy: CachePolicy = DEFAULT_CACHE
    daily_snapshots: int = 0
    webhook_schedule: str = DEFAULT_SCHEDULE
    allow_webhooks_elsewhere: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: with what to do instead.
        """
        if self.profile not in PROFILES:
            raise UsageError(f"--profile is one of {', '.join(PROFILES)}")
        if not 0 <= self.daily_snapshots <= SNAPSHOT_DAYS_MAX:
            raise UsageError(f"--daily-snapshots is 0 to {SNAPSHOT_DAYS_MAX}")
        if self.webhook_schedule not in SCHEDULES:
            raise UsageError(f"{WEBHOOK_SCHEDULE_VARIABLE} is one of {', '.join(SCHEDULES)}")
        if not 0 <= self.port <= PORT_MAX:
            raise UsageError(f"--port is 0 to {PORT_MAX}")
        if not is_loopback(self.host) and not self.allow_non_loopback:
            raise UsageError(
                f"{self.host} can be reached from other machines: add --allow-non-loopback "
                "if that is what you want"
            )


def settings_from(  # noqa: PLR0913 - one parameter an option of the command
    environment: Mapping[str, str],
    *,
    data_dir: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    database_url: str | None = None,
    redis_url: str | None = None,
    seed: int | None = None,
    profile: str = "lab",
    exit_when_idle: bool = False,
    allow_non_loopback: bool = False,
    networks_dir: Path | None = None,
    cache_preset: str | None = None,
    cache_slots: Sequence[str] | None = None,
    cache_bytes: int | None = None,
    daily_snapshots: int = 0,
) -> Settings:
    """Settings from options, with the environment behind them.

    Raises:
        UsageError: something that cannot be.
    """
    named = environment.get(NETWORKS_VARIABLE)
    apart = networks_dir or (Path(named) if named else None)
    return Settings(
        data_dir=chosen_data_dir(
            data_dir, environment, database_url or environment.get(DATABASE_VARIABLE)
        ),
        host=host,
        port=port,
        redis_url=redis_url or environment.get(REDIS_VARIABLE) or None,
        seed=seed,
        profile=profile,
        exit_when_idle=exit_when_idle,
        allow_non_loopback=allow_non_loopback,
        networks_dir=apart.expanduser().absolute() if apart else None,
        kill_at=_kill_at(environment.get(KILL_VARIABLE)),
        environment=environment,
        cache_policy=_cache_policy(environment, cache_preset, cache_slots, cache_bytes),
        daily_snapshots=daily_snapshots,
        webhook_schedule=environment.get(WEBHOOK_SCHEDULE_VARIABLE) or DEFAULT_SCHEDULE,
        allow_webhooks_elsewhere=_switch(environment, WEBHOOKS_ELSEWHERE_VARIABLE),
    )


def chosen_data_dir(
    data_dir: Path | None, environment: Mapping[str, str], database_url: str | None = None
) -> Path:
    """The data folder: the option, else the environment, else the platform's place.

    Raises:
        UsageError: a database URL that is not the folder's own SQLite file.
    """
    named = environment.get(DATA_DIR_VARIABLE)
    folder = data_dir or (Path(named) if named else _platform_folder())
    folder = folder.expanduser().absolute()
    if database_url and database_url != f"sqlite:///{folder / 'engine.db'}":
        raise UsageError(
            f"this build stores in the data folder's own file: leave {DATABASE_VARIABLE} empty "
            f"or name sqlite:///{folder / 'engine.db'}"
        )
    return folder


def _cache_policy(
    environment: Mapping[str, str],
    preset: str | None,
    slots: Sequence[str] | None,
    bytes_max: int | None,
) -> CachePolicy:
    """A preset, with what is chosen otherwise.

    Raises:
        UsageError: a preset, slot or size that cannot be.
    """
    policy = CACHE_PRESETS.get(preset or environment.get(CACHE_VARIABLE) or DEFAULT_CACHE.name)
    if policy is None:
        raise UsageError(f"--cache-preset is one of {', '.join(CACHE_PRESETS)}")
    size = str(bytes_max) if bytes_max is not None else environment.get(CACHE_BYTES_VARIABLE)
    if size and not (size.isascii() and size.isdecimal() and int(size) <= CACHE_BYTES_MAX):
        raise UsageError(f"--cache-bytes is 0 to {CACHE_BYTES_MAX}, in bytes of memory")
    changes = slots or environment.get(CACHE_SLOTS_VARIABLE, "").split()
    try:
        policy = policy.changed(changes)
    except ValueError as error:
        raise UsageError(f"--cache-slot: {error}") from error
    return replace(policy, near_bytes_max=int(size)) if size else policy


def _switch(environment: Mapping[str, str], name: str) -> bool:
    """Whether a variable says yes ("1"); empty, absent and "0" say no.

    Raises:
        UsageError: anything else.
    """
    word = environment.get(name, "")
    if word not in ("", "0", "1"):
        raise UsageError(f"{name} is 1 or 0")
    return word == "1"


def _kill_at(text: str | None) -> tuple[str, int] | None:
    """`before:17` or `after:17`.

    Raises:
        UsageError: anything else.
    """
    if not text:
        return None
    moment, _, number = text.partition(":")
    if moment not in KILL_MOMENTS or not number.isdecimal() or int(number) < 1:
        raise UsageError(f"{KILL_VARIABLE} is before:N or after:N, N the number of a commit from 1")
    return moment, int(number)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _platform_folder() -> Path:
    from platformdirs import user_data_path

    return user_data_path("tap-lab", appauthor=False)
