"""Which things trigger which card of the wallet, remembered in the data folder.

A thing is known by its anti-collision identifier, kept only as a keyed hash (HMAC-SHA-256 under a
key of this folder) beside a shortened form for the eye: whoever has the file alone cannot look for
the thing's owner, and the few possible identifiers cannot be tried without the key. One that draws
a new identifier each time cannot be recognized: it is kept without a hash, for one tap.
"""

from __future__ import annotations

import hmac
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from lab.anycard.account import mask_uid
from lab.errors import NotDone
from lab.json_fields import as_object, flag, objects, text, whole

THINGS_MAX = 50
_KEY_LABEL = b"taplab.enrolment.v1"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """One thing.

    Attributes:
        id: names it in the window.
        uid_hash: hex; empty for a thing that may trigger once.
        thing: its identifier, shortened.
        reader: URL of the reader it triggers at.
        card_id: the wallet card that pays.
        card: what that card was called.
        at_us: lab time at which it was enrolled.
    """

    id: str
    uid_hash: str
    thing: str
    reader: str
    card_id: str
    card: str
    at_us: int

    @property
    def once(self) -> bool:
        """Whether the next thing with a random identifier triggers it, and no later one."""
        return not self.uid_hash


class EnrolmentStore:
    """The list, on disk at once after each change."""

    def __init__(self, path: Path, seal_key: bytes) -> None:
        """Load it.

        Args:
            path: the file; need not exist.
            seal_key: of the folder; the hash's key comes from it.
        """
        self._path = path
        self._key = hmac.digest(seal_key, _KEY_LABEL, "sha256")
        self.damage = ""
        self._things: tuple[Enrolled, ...] = self._load()

    @property
    def things(self) -> tuple[Enrolled, ...]:
        """What is enrolled, the oldest first."""
        return self._things

    def hash_of(self, uid: bytes) -> str:
        """The keyed hash of an identifier."""
        return hmac.digest(self._key, uid, "sha256").hex()

    def add(
        self, uid: bytes, *, once: bool, reader: str, card_id: str, card: str, at_us: int
    ) -> Enrolled:
        """Enrol a thing; the same thing at the same reader gets another card.

        Raises:
            NotDone: there are too many, or the list cannot be written.
        """
        uid_hash = "" if once else self.hash_of(uid)
        identifier = hmac.digest(self._key, f"{uid.hex()}|{reader}".encode(), "sha256").hex()[:12]
        thing = Enrolled(
            identifier, uid_hash, mask_uid(uid.hex().upper()), reader, card_id, card, at_us
        )
        others = tuple(
            each
            for each in self._things
            if each.id != identifier and not (once and each.once and each.reader == reader)
        )
        if len(others) >= THINGS_MAX:
            raise NotDone(f"{THINGS_MAX} things are enrolled: forget one first")
        self._write((*others, thing))
        return thing

    def forget(self, identifier: str) -> None:
        """Take one away; one that is gone already stays gone.

        Raises:
            NotDone: the list cannot be written.
        """
        self._write(tuple(each for each in self._things if each.id != identifier))

    def find(self, uid: bytes, *, random_uid: bool, reader: str) -> Enrolled | None:
        """What this thing triggers at this reader."""
        if not uid:
            return None
        here = [each for each in self._things if each.reader == reader]
        if random_uid:
            return next((each for each in here if each.once), None)
        wanted = self.hash_of(uid)
        return next((each for each in here if hmac.compare_digest(each.uid_hash, wanted)), None)

    def _load(self) -> tuple[Enrolled, ...]:
        try:
            body = as_object(orjson.loads(self._path.read_bytes()), self._path.name)
            return tuple(
                Enrolled(
                    id=text(thing, "id"),
                    uid_hash="" if flag(thing, "once", default=False) else text(thing, "uid_hash"),
                    thing=text(thing, "thing"),
                    reader=text(thing, "reader"),
                    card_id=text(thing, "card_id"),
                    card=text(thing, "card"),
                    at_us=whole(thing, "at_us"),
                )
                for thing in objects(body, "things")
            )[:THINGS_MAX]
        except FileNotFoundError:
            return ()
        except (OSError, ValueError) as fault:
            self.damage = f"{self._path.name}: {fault}"  # shown; the next change replaces the file
            return ()

    def _write(self, things: tuple[Enrolled, ...]) -> None:
        body = {"things": [asdict(thing) | {"once": thing.once} for thing in things]}
        try:
            written = self._path.with_suffix(".new")
            written.write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2))
            written.chmod(0o600)
            written.replace(self._path)
        except OSError as fault:
            raise NotDone(f"{self._path} cannot be written: {fault.strerror}") from fault
        self._things = things
