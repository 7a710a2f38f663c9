"""A whole laboratory in one file: save it, load it, start over.

The file is a ZIP archive of the engine's consistent copies, the secure elements of phone and
watch, what phone, watch and till remember, seeds and positions of the random streams, and a
manifest with the SHA-256 of each. What is loaded is data from outside: only names from a fixed list
are taken (so no path can escape), sizes are limited, hashes must fit and the secure elements must
open with the folder's key *before* anything is replaced.

The key that seals the element and the networks' vaults stays in its home. Only where that home is
an UNPROTECTED file does it travel along, because then it lies openly beside the data anyway.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import orjson

from backend.api import BackendError, Clock, Entropy
from hardware.api import SecureElement, SecureElementBusy, SecureElementError
from lab import fault_progress, kept_streams
from lab.errors import NotDone, SomethingMissing, WrongUse
from lab.json_fields import Json, as_object, section, text, whole
from lab.pos.kept_approvals import FILE as KEPT_FILE
from lab.pos.offline_rules import FILE as RULES_FILE
from lab.seal_key import seal_key

FORMAT = "tap-lab world 1"
MANIFEST = "manifest.json"
FILE_BYTES_MAX = 1 << 30
MANIFEST_BYTES_MAX = 1 << 20
DATABASES = ("engine.db", "networks.db")
SECURE_ELEMENT = "secure-element.db"
WATCH_ELEMENT = "watch-element.db"
REQUIRED = (*DATABASES, SECURE_ELEMENT, "vault.json")
OPTIONAL = (
    WATCH_ELEMENT,
    "world.json",
    kept_streams.FILE,
    "phone.json",
    "watch.json",
    "till.json",
    KEPT_FILE,
    RULES_FILE,
    "vault.key",
)
STORES = (*DATABASES, SECURE_ELEMENT, WATCH_ELEMENT, "traffic.db")
REMEMBERED = (
    "world.json", kept_streams.FILE, "phone.json", "watch.json", "till.json", KEPT_FILE, RULES_FILE,
    "engine.json", "engine.log", fault_progress.FILE,
)  # fmt: skip
_DAMAGE = (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, ValueError, EOFError)
"""What a damaged archive may raise; a method or a password that we do not know is damage too."""
_SIDE_FILES = ("", "-wal", "-shm", "-journal")
_CHUNK = 1 << 20


def pack(
    target: Path,
    data_dir: Path,
    snapshot: Path,
    elements: Path,
    *,
    saved_at_us: int,
    entropy: Entropy,
) -> dict[str, object]:
    """Write the archive; the manifest.

    Args:
        target: the file to write, replaced as a whole.
        data_dir: the laboratory's folder.
        snapshot: the engine's consistent copies.
        elements: a folder with consistent copies of the secure elements: the phone's and, where
            there is a watch, the watch's.
        saved_at_us: lab time.
        entropy: the lab's randomness; the engine's is in its own copies.

    Raises:
        NotDone: a part is missing or the file cannot be written.
    """
    streams = kept_streams.keep(data_dir, entropy)
    sources = {name: snapshot / name for name in DATABASES}
    sources[SECURE_ELEMENT] = elements / SECURE_ELEMENT
    for name in ("vault.json", *OPTIONAL):
        where = elements if name == WATCH_ELEMENT else data_dir
        if (where / name).is_file():
            sources[name] = where / name
    engine = as_object(orjson.loads((snapshot / MANIFEST).read_bytes()), MANIFEST)
    try:
        manifest: dict[str, object] = {
            "format": FORMAT,
            "saved_at_us": saved_at_us,
            "engine": dict(engine),
            "lab": streams,
            "files": {name: _sha256(path) for name, path in sources.items()},
            "contains_its_key": "vault.key" in sources,
        }
        beside = target.with_name(target.name + ".new")
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))
            for name, path in sources.items():
                archive.write(path, name)
        beside.chmod(0o600)
        beside.replace(target)
    except OSError as fault:
        raise NotDone(f"the world was not saved: {fault}") from fault
    return manifest


@contextlib.contextmanager
def unpacked(source: Path, data_dir: Path) -> Iterator[tuple[Path, Json]]:
    """The archive's files in a folder inside the data folder, checked; with the manifest.

    Raises:
        WrongUse: no such file, no world, damaged, or larger than allowed.
    """
    with tempfile.TemporaryDirectory(prefix="loading-", dir=data_dir) as folder:
        try:
            with zipfile.ZipFile(source) as archive:
                manifest = _unpack_checked(archive, Path(folder))
        except FileNotFoundError as absent:
            raise WrongUse(f"there is no file {source}") from absent
        except _DAMAGE as damage:
            raise WrongUse(f"{source} is no saved world ({damage})") from damage
        yield Path(folder), manifest


def _unpack_checked(archive: zipfile.ZipFile, folder: Path) -> Json:
    names = archive.namelist()
    allowed = {MANIFEST, *REQUIRED, *OPTIONAL}
    if len(names) != len(set(names)) or not set(names) <= allowed:
        raise ValueError("it holds files that no world has")
    if missing := {MANIFEST, *REQUIRED} - set(names):
        raise ValueError(f"{', '.join(sorted(missing))} is missing")
    _copy(archive, MANIFEST, folder / MANIFEST, MANIFEST_BYTES_MAX)
    manifest = as_object(orjson.loads((folder / MANIFEST).read_bytes()), MANIFEST)
    if text(manifest, "format", "") != FORMAT:
        raise ValueError(f"its format is not {FORMAT!r}")
    hashes = section(manifest, "files")
    for name in names:
        if name == MANIFEST:
            continue
        _copy(archive, name, folder / name, FILE_BYTES_MAX)
        if _sha256(folder / name) != text(hashes, name, ""):
            raise ValueError(f"{name} is not what was saved")
    for name in {"world.json", kept_streams.FILE} & set(names):
        kept_streams.read(folder / name)
    return manifest


def _copy(archive: zipfile.ZipFile, name: str, target: Path, bytes_max: int) -> None:
    """Unpack one file, counting what really comes out, whatever the archive claims."""
    written = 0
    target.touch(mode=0o600)
    with archive.open(name) as packed, target.open("wb") as out:
        while chunk := packed.read(_CHUNK):
            written += len(chunk)
            if written > bytes_max:
                raise ValueError(f"{name} is larger than {bytes_max} bytes")
            out.write(chunk)


def check_elements(folder: Path, clock: Clock) -> None:
    """See that the unpacked secure elements open with the key that the world names.

    Raises:
        SomethingMissing: the key is not to be had here, or does not fit.
    """
    for name in (SECURE_ELEMENT, WATCH_ELEMENT):
        if (folder / name).is_file():
            _check_element(folder, name, clock)


def _check_element(folder: Path, name: str, clock: Clock) -> None:
    copy = folder / "element-check.db"
    shutil.copyfile(folder / name, copy)
    try:
        stream = Entropy().secret("secure element")
        SecureElement.open(copy, seal_key=seal_key(folder), clock=clock, stream=stream).close()
    except (BackendError, SecureElementError) as fault:
        raise SomethingMissing(
            f"this world's key is not here ({fault})",
            "load it where it was saved, or set TAPLAB_PASSPHRASE as it was there",
        ) from fault
    finally:
        for side in _SIDE_FILES:
            (folder / (copy.name + side)).unlink(missing_ok=True)


def replace_stores(folder: Path, data_dir: Path) -> None:
    """Put the unpacked files in the place of the folder's; nobody may have these open."""
    clear(data_dir)
    for name in (*REQUIRED, *OPTIONAL):
        if (folder / name).is_file():
            (folder / name).replace(data_dir / name)


def clear(data_dir: Path) -> None:
    """Take the stores away: the next start is a clean one. Key home and token stay."""
    for name in STORES:
        for side in _SIDE_FILES:
            (data_dir / (name + side)).unlink(missing_ok=True)
    for name in REMEMBERED:
        (data_dir / name).unlink(missing_ok=True)
    for name in ("traces", "snapshots"):
        shutil.rmtree(data_dir / name, ignore_errors=True)


def demand_free(data_dir: Path, clock: Clock) -> None:
    """See that no window or command has this folder's phone or watch open.

    Raises:
        SomethingMissing: one has.
    """
    for name, what in ((SECURE_ELEMENT, "phone"), (WATCH_ELEMENT, "watch")):
        if (data_dir / name).exists():
            _demand_free(data_dir, name, what, clock)


def _demand_free(data_dir: Path, name: str, what: str, clock: Clock) -> None:
    path = data_dir / name
    try:
        stream = Entropy().secret("secure element")
        SecureElement.open(path, seal_key=seal_key(data_dir), clock=clock, stream=stream).close()
    except SecureElementBusy as busy:
        raise SomethingMissing(
            f"this folder's {what} is in use by another command or window", "close that one first"
        ) from busy
    except (BackendError, SecureElementError):
        return  # damaged or without its key: exactly what a reset is for


def engine_pid(data_dir: Path) -> int | None:
    """The process id that `engine.json` names."""
    try:
        body = as_object(orjson.loads((data_dir / "engine.json").read_bytes()), "engine.json")
        return whole(body, "pid")
    except (FileNotFoundError, ValueError):
        return None


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
