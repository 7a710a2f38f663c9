"""The secure element's file: one SQLite file, locked by one process, secrets sealed inside.

Theory of operation: the file is opened in exclusive locking mode, so a second opener is refused at
once. Every write is one transaction with `synchronous=FULL`: when `advance_atc` returns, the new
counter is on disk. Secrets are sealed with AES-256-GCM under a key derived (HKDF, RFC 5869) from
the caller's seal key and the file's own salt. The nonce is a counter kept in the file, which cannot
repeat even where randomness is seeded, and random bytes, which differ even where a copy of the file
goes on by itself; the associated data binds a secret to its record and field. Knows rows and
bytes; knows no APDU and no envelope. Calls must not overlap.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hardware.card.installed import ATC_MAX
from hardware.runtime.errors import (
    AtcExhausted,
    SecureElementBusy,
    SecureElementDamaged,
    SecureElementError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hardware.runtime.ports import Stream

SEAL_KEY_LENGTH = 32
_COUNT_LENGTH = 4
_RANDOM_LENGTH = 8
_NONCE_LENGTH = _COUNT_LENGTH + _RANDOM_LENGTH
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS tokens (
    token_ref TEXT PRIMARY KEY, position INTEGER NOT NULL, network TEXT NOT NULL,
    last4 TEXT NOT NULL, label TEXT NOT NULL, expiry TEXT NOT NULL,
    atc INTEGER NOT NULL CHECK (atc BETWEEN 0 AND 65535), secret BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
    session_id TEXT PRIMARY KEY, token_ref TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS answers (
    token_ref TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
"""

_LISTED = "SELECT token_ref, network, last4, label, expiry, atc FROM tokens"

TokenRow = tuple[str, str, str, str, str, int]
"""token_ref, network, last4, label, expiry (YYMM), atc."""


def _row(row: tuple[object, ...]) -> TokenRow:
    ref, network, last4, label, expiry, atc = row
    assert isinstance(atc, int), "the column is an integer"
    return str(ref), str(network), str(last4), str(label), str(expiry), atc


class SealedFile:
    """The open file. Raises `SecureElementDamaged` wherever a sealed value does not open."""

    def __init__(self, path: Path, seal_key: bytes, stream: Stream) -> None:
        """Open or create.

        Raises:
            SecureElementBusy: another process holds it.
            SecureElementDamaged: no such file format, or another seal key.
        """
        assert len(seal_key) == SEAL_KEY_LENGTH
        if not path.exists():
            path.touch(mode=0o600)
        self._stream = stream
        self._connection = sqlite3.connect(
            path, timeout=0, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare()
            salt = self._meta("salt")
            if salt is None:
                salt = stream.bytes(16)
                with self.writing():
                    self._set_meta("salt", salt)
            derive = HKDF(SHA256(), 32, salt, b"taplab.secure-element.v1")
            self._cipher = AESGCM(derive.derive(seal_key))
        except sqlite3.DatabaseError as wrong:
            self._connection.close()
            if "locked" in str(wrong):
                raise SecureElementBusy(f"{path} is in use by another process") from None
            raise SecureElementDamaged(f"{path} is no secure element: {wrong}") from wrong

    def _prepare(self) -> None:
        execute = self._connection.execute
        # Exclusive mode before WAL: no shared-memory file, and nobody else gets in at all.
        execute("PRAGMA locking_mode=EXCLUSIVE")
        execute("PRAGMA journal_mode=WAL")
        execute("PRAGMA synchronous=FULL")
        execute("PRAGMA secure_delete=ON")
        execute("BEGIN EXCLUSIVE")
        for statement in _SCHEMA.split(";"):
            execute(statement)
        execute("COMMIT")

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    def backup(self, path: Path) -> None:
        """A consistent copy; sealed as this file is.

        Raises:
            SecureElementError: the copy cannot be written.
        """
        try:
            with contextlib.closing(sqlite3.connect(path)) as target:
                self._connection.backup(target)
        except sqlite3.Error as wrong:
            raise SecureElementError(f"no copy could be written to {path}: {wrong}") from wrong

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction: all of it or nothing, on disk when the block ends."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    # Sealed single values ------------------------------------------------------------------

    def _meta(self, name: str) -> bytes | None:
        row = self._connection.execute("SELECT value FROM meta WHERE name=?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def _set_meta(self, name: str, value: bytes) -> None:
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def text(self, name: str) -> str | None:
        """A value that is no secret, such as the default card."""
        value = self._meta(name)
        return None if value is None else value.decode()

    def set_text(self, name: str, value: str | None) -> None:
        """Keep or clear such a value; inside `writing`."""
        if value is None:
            self._connection.execute("DELETE FROM meta WHERE name=?", (name,))
        else:
            self._set_meta(name, value.encode())

    def secret(self, name: str) -> bytes | None:
        """A sealed value that belongs to the element itself."""
        sealed = self._meta(name)
        return None if sealed is None else self._unseal("element", name, sealed)

    def set_secret(self, name: str, value: bytes) -> None:
        """Seal and keep such a value; inside `writing`."""
        self._set_meta(name, self._seal("element", name, value))

    def _seal(self, record: str, name: str, value: bytes) -> bytes:
        used = int.from_bytes(self._meta("seals") or b"\x00", "big") + 1
        self._set_meta("seals", used.to_bytes(_COUNT_LENGTH, "big"))
        nonce = used.to_bytes(_COUNT_LENGTH, "big") + self._stream.bytes(_RANDOM_LENGTH)
        return nonce + self._cipher.encrypt(nonce, value, f"{record}|{name}|1".encode())

    def _unseal(self, record: str, name: str, sealed: bytes) -> bytes:
        nonce, body = sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:]
        try:
            return self._cipher.decrypt(nonce, body, f"{record}|{name}|1".encode())
        except (InvalidTag, ValueError):
            raise SecureElementDamaged(
                f"{name} does not open: wrong seal key, or the file was changed outside"
            ) from None

    # Tokens --------------------------------------------------------------------------------

    def tokens(self) -> tuple[TokenRow, ...]:
        """Every token in the order of installation."""
        return tuple(
            _row(each) for each in self._connection.execute(f"{_LISTED} ORDER BY position")
        )

    def token(self, token_ref: str) -> TokenRow | None:
        """One token; None where there is none."""
        found = self._connection.execute(f"{_LISTED} WHERE token_ref=?", (token_ref,)).fetchone()
        return None if found is None else _row(found)

    def token_secret(self, token_ref: str) -> bytes | None:
        """A token's sealed part, opened; None where there is no such token."""
        row = self._connection.execute(
            "SELECT secret FROM tokens WHERE token_ref=?", (token_ref,)
        ).fetchone()
        return None if row is None else self._unseal(token_ref, "credentials", bytes(row[0]))

    def put_token(self, row: TokenRow, secret: bytes, *, position: int | None) -> None:
        """Write one token; inside `writing`. `position` None puts it last."""
        if position is None:
            highest = self._connection.execute("SELECT max(position) FROM tokens").fetchone()[0]
            position = (highest or 0) + 1
        token_ref, network, last4, label, expiry, atc = row
        sealed = self._seal(token_ref, "credentials", secret)
        self._connection.execute(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (token_ref, position, network, last4, label, expiry, atc, sealed),
        )

    def delete_token(self, token_ref: str) -> int | None:
        """Delete one token and give its position; None where there was none. Inside `writing`."""
        self._connection.execute("DELETE FROM answers WHERE token_ref=?", (token_ref,))
        row = self._connection.execute(
            "DELETE FROM tokens WHERE token_ref=? RETURNING position", (token_ref,)
        ).fetchone()
        return None if row is None else int(row[0])

    def advance_atc(self, token_ref: str) -> int:
        """Count one transaction and give the new counter, which is on disk by then.

        Raises:
            AtcExhausted: it stands at 65535.
        """
        with self.writing():
            row = self._connection.execute(
                "UPDATE tokens SET atc=atc+1 WHERE token_ref=? AND atc<? RETURNING atc",
                (token_ref, ATC_MAX),
            ).fetchone()
        if row is None:
            raise AtcExhausted(f"{token_ref} has made {ATC_MAX} cryptograms")
        return int(row[0])

    # The last answer -----------------------------------------------------------------------

    def put_answer(self, token_ref: str, answer: bytes) -> None:
        """Keep a token's last answer in place of the one before; on disk when this returns."""
        with self.writing():
            sealed = self._seal(token_ref, "answer", answer)
            self._connection.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?)", (token_ref, sealed)
            )

    def answer(self, token_ref: str) -> bytes | None:
        """A token's last answer, opened; None where there is none."""
        row = self._connection.execute(
            "SELECT sealed FROM answers WHERE token_ref=?", (token_ref,)
        ).fetchone()
        return None if row is None else self._unseal(token_ref, "answer", bytes(row[0]))

    # Provisioning sessions -----------------------------------------------------------------

    def session_token(self, session_id: str) -> str | None:
        """The token an earlier envelope of this session installed."""
        row = self._connection.execute(
            "SELECT token_ref FROM sessions WHERE session_id=?", (session_id,)
        ).fetchone()
        return None if row is None else str(row[0])

    def put_session(self, session_id: str, token_ref: str) -> None:
        """Remember a session; inside `writing`."""
        self._connection.execute("INSERT INTO sessions VALUES (?, ?)", (session_id, token_ref))
