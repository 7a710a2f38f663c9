"""The only door of the backend. Light to import: what is heavy loads when it is used.

`serve` runs an engine in this process, `simulated` a whole world in this thread on virtual time,
`migrate` and `verify` work on a data folder, `key_home` gives the lab's side its keys. The runtime
types (clock, scheduler, events, entropy) are implemented here once for both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from backend.faults.armed import Facts, LinkFaults, Strike
from backend.faults.catalogue import AVAILABLE, LABORATORY_LINKS, Point
from backend.faults.plan import Fault, dump_toml, load_toml, read_faults
from backend.networks.card_versions import TEST_NUMBER_OF_VERSION
from backend.runtime.clock import (
    Clock,
    LabClock,
    real_now_us,
    to_datetime,
    to_iso,
)
from backend.runtime.entropy import Entropy, SeededStream, Stream, identifier, read_positions
from backend.runtime.errors import BackendError, BadRequest, Crashed, StorageError, UsageError
from backend.runtime.events import Emit, Event, EventLog, event_from_json
from backend.runtime.scheduler import (
    LabScheduler,
    Scheduler,
    VirtualClock,
    VirtualLoop,
    VirtualScheduler,
)
from backend.settings import Settings, chosen_data_dir, is_loopback, settings_from
from backend.webhooks.signing import refusal as webhook_refusal

if TYPE_CHECKING:
    from backend.checks import VerifyReport
    from backend.measured import AuditShare, TokenTimes
    from backend.simulation import SimulatedEngine as SimulatedEngine  # noqa: PLC0414 - its door
    from backend.simulation import SimulatedWorld
    from backend.token_files import TokenFiles
    from backend.vault.key_home import KeyHome
    from backend.vault.named_keys import NamedKeys

__all__ = [
    "AVAILABLE",
    "LABORATORY_LINKS",
    "TEST_NUMBER_OF_VERSION",
    "BackendError",
    "BadRequest",
    "Clock",
    "Crashed",
    "Emit",
    "Entropy",
    "Event",
    "EventLog",
    "Facts",
    "Fault",
    "LabClock",
    "LabScheduler",
    "LinkFaults",
    "Point",
    "Scheduler",
    "SeededStream",
    "Settings",
    "StorageError",
    "Stream",
    "Strike",
    "UsageError",
    "VirtualClock",
    "VirtualLoop",
    "VirtualScheduler",
    "audit_share",
    "check_fault",
    "check_vector",
    "chosen_data_dir",
    "dump_toml",
    "event_from_json",
    "export_ledger",
    "identifier",
    "is_loopback",
    "key_home",
    "load_toml",
    "make_token",
    "migrate",
    "named_keys",
    "open_token",
    "put_back",
    "read_faults",
    "read_positions",
    "real_now_us",
    "schema_revision",
    "serve",
    "serve_networks",
    "settings_from",
    "simulated",
    "simulated_engine",
    "take_backup",
    "to_datetime",
    "to_iso",
    "token_times",
    "verify",
    "webhook_refusal",
]


def serve(settings: Settings) -> None:
    """Run an engine until it is told to stop; prints `{"url": …, "pid": …}` when it is ready.

    Raises:
        UsageError: the folder is in use, or something named cannot be had.
        StorageError: a database that cannot be opened.
    """
    from backend.process import run_engine

    run_engine(settings)


def serve_networks(settings: Settings) -> None:
    """Run only the network hosts; prints `{"iso": …, "tsp_url": …, "pid": …}` when ready.

    Raises:
        UsageError: the folder is in use.
        StorageError: a database that cannot be opened.
    """
    from backend.process import run_networks

    run_networks(settings)


def simulated(seed: int, folder: Path, *, profile: str = "instant") -> SimulatedWorld:
    """A whole engine in this thread on virtual time; repeats exactly for the same seed.

    Args:
        seed: of all randomness, keys included.
        folder: an empty folder for the world's files.
        profile: delays of the simulated networks: "lab" or "instant".
    """
    from backend.simulation import SimulatedWorld

    return SimulatedWorld(seed, folder, profile=profile)


def simulated_engine(
    seed: int,
    folder: Path,
    below: VirtualClock,
    *,
    profile: str = "instant",
    on_event: Callable[[Event], None] | None = None,
) -> SimulatedEngine:
    """An engine on a virtual loop that somebody else runs: started, killed and started again there.

    Args:
        seed: of all randomness, keys included.
        folder: the world's files.
        below: the loop's clock.
        profile: delays of the simulated networks: "lab" or "instant".
        on_event: hears every event of every life.
    """
    from backend.simulation import SimulatedEngine

    return SimulatedEngine(seed, folder, below, profile=profile, on_event=on_event)


def migrate(data_dir: Path) -> str | None:
    """Bring a folder's database to the newest schema; what it was at, None if there already.

    Raises:
        UsageError: an engine runs on the folder.
        StorageError: the file is no database of ours, or newer than this program.
    """
    from backend.storage.data_folder import DataFolder
    from backend.storage.migrate import migrate_engine

    folder = DataFolder(data_dir)
    folder.take()
    try:
        return migrate_engine(folder.engine_database)
    finally:
        folder.give_back()


def check_vector(
    algorithm: str, inputs: Mapping[str, object], expected: Mapping[str, object]
) -> str | None:
    """What is wrong with the issuer's side of a published vector: "" nothing, None no such part."""
    from backend.networks.chip.vectors import check_vector as check

    return check(algorithm, inputs, expected)


def check_fault(body: Mapping[str, object]) -> None:
    """Check one fault of a plan, keys as in the plan's file format, without applying it.

    Raises:
        BadRequest: what is wrong with it, the field as `fault[0].effect`.
    """
    from backend.faults.plan import read_faults

    read_faults([body])


def schema_revision() -> str:
    """The newest revision of the schema that this program knows."""
    from backend.storage.migrate import HEAD

    return HEAD


def verify(data_dir: Path) -> VerifyReport:
    """Check every invariant over the stored data; an engine may be running on it.

    Raises:
        UsageError: there is no engine's data in that folder.
        StorageError: a file cannot be read.
    """
    from backend.checks import verify_folder

    return verify_folder(data_dir)


def export_ledger(data_dir: Path, write: Callable[[str], object]) -> int:
    """Write a folder's journal as hledger reads it, line by line; how many lines.

    Raises:
        UsageError: there is no engine's data in that folder.
        StorageError: the file cannot be read, or is of another version.
    """
    from backend.checks import export_ledger as export

    return export(data_dir, write)


def take_backup(data_dir: Path, target: Path) -> dict[str, object]:
    """Copy a folder's data, beside a running engine or without one, and verify the copy.

    Returns:
        The manifest, with `verified`.

    Raises:
        UsageError: there is nothing to copy, or `target` exists.
        StorageError: it could not be done.
    """
    from backend.backups import take_backup as take
    from backend.checks import verify_folder

    return take(data_dir, target, verify_folder)


def put_back(source: Path, data_dir: Path) -> dict[str, object]:
    """Replace a folder's data by a backup's, checked first; no engine may run on the folder.

    Returns:
        `restored` (names) and `kept` (the folder with what was there before, or None).

    Raises:
        UsageError: no backup, damaged, against an invariant, or an engine runs.
        StorageError: a file cannot be moved.
    """
    from backend.backups import put_back as put
    from backend.checks import verify_folder

    return put(source, data_dir, verify_folder)


async def audit_share(folder: Path, *, rounds: int, payments: int) -> list[AuditShare]:
    """What the audit trail adds to a payment, measured in a folder that is thrown away.

    Args:
        folder: empty; gets a database.
        rounds: so many figures.
        payments: with a trail, and as many without, in each round.

    Raises:
        StorageError: the file cannot be made.
    """
    from backend.measured import audit_share as share

    return await share(folder, rounds=rounds, payments=payments)


def token_times(clock: Clock, *, rounds: int, tokens: int) -> list[TokenTimes]:
    """How long an EC_v1 payment token takes to be sealed and to be opened.

    Args:
        clock: measures.
        rounds: so many figures.
        tokens: in a round.
    """
    from backend.measured import token_times as times

    return times(clock, rounds=rounds, tokens=tokens)


def make_token(
    version: str,
    merchant_id: str,
    network: str,
    amount_minor: int,
    currency_numeric: int,
    *,
    entropy: Entropy,
    now_us: int,
) -> TokenFiles:
    """A sealed in-app payment token with everything that is needed to open it.

    Args:
        version: "EC_v1" or "RSA_v1".
        merchant_id: any text; its hash goes into certificate and key.
        network: whose device account number it carries.
        amount_minor: minor units.
        currency_numeric: ISO 4217 number.
        entropy: with a seed, EC_v1 repeats byte for byte.
        now_us: when it is signed.

    Raises:
        BadRequest: `bad_merchant_id`.
    """
    from backend.token_files import Wanted
    from backend.token_files import make_token as make

    return make(
        Wanted(version, merchant_id, network, amount_minor, currency_numeric), entropy, now_us
    )


def open_token(
    document: object, certificate: bytes, key: bytes, root: bytes, now_us: int
) -> Mapping[str, object]:
    """The clear content of a payment token, opened with a merchant's files (PEM or DER).

    Raises:
        BadRequest: why the token must not be used (`token_…`), or `bad_certificate`, `bad_key`.
    """
    from backend.token_files import open_token as unseal

    return unseal(document, certificate, key, root, now_us).document


def key_home(
    data_dir: Path, environment: Mapping[str, str], entropy: Entropy | None = None
) -> KeyHome:
    """The folder's root key, made on first use.

    Args:
        data_dir: the data folder.
        environment: where the key home looks for its choice and passphrase.
        entropy: where a new key comes from; the operating system, unless it is a simulated world's.

    Raises:
        UsageError: the key on record cannot be had.
    """
    from backend.vault.key_home import open_key_home

    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return open_key_home(data_dir, environment, (entropy or Entropy()).secret("vault.root"))


def named_keys(home: KeyHome) -> NamedKeys:
    """The keys that derive from it: `secure_element_key()` is the lab side's."""
    from backend.vault.named_keys import NamedKeys

    return NamedKeys(home.root)
