"""Who is signed in: register, sign in, sign out, and the demo user that a fresh folder has.

Sessions live on the server. The cookie is 256 random bits and only its SHA-256 is stored, so a
stolen database opens nothing; deleting the row ends access with the next request.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace

from backend.runtime.clock import Clock
from backend.runtime.entropy import Entropy, identifier
from backend.runtime.errors import BadRequest, Conflict
from backend.wallet.limits import SIGN_IN, Limits
from backend.wallet.model import AuditEntry, Session, User
from backend.wallet.passwords import Passwords
from backend.wallet.ports import SessionCache, WalletRows, WalletStore

SESSION_LIFE_S = 7 * 86_400
PASSWORD_LENGTH = (10, 256)
EMAIL_LENGTH_MAX = 255
DEMO_USER_ID = "usr_demo"
DEMO_EMAIL = "demo@taplab.invalid"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class NotSignedIn(BadRequest):
    """No session, an ended one, or the wrong password."""

    status = 401


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session.

    Attributes:
        cookie: the secret for the client; exists here and in the client only.
    """

    user: User
    cookie: str = field(repr=False)
    expires_at_us: int


class Accounts:
    """Registers people and opens and ends their sessions."""

    def __init__(
        self,
        store: WalletStore,
        clock: Clock,
        entropy: Entropy,
        passwords: Passwords,
        limits: Limits,
        kept: SessionCache | None = None,
    ) -> None:
        """Over a store.

        Args:
            store: people and sessions.
            clock: lab time.
            entropy: identifiers and cookies.
            passwords: hashes and checks them.
            limits: how often somebody may try.
            kept: sessions that were read lately, where that is quicker than the store.
        """
        self._store = store
        self._kept = kept
        self.limits = limits
        self._clock = clock
        self._identifiers = entropy.secret("wallet.identifiers")
        self._cookies = entropy.secret("wallet.sessions")
        self._passwords = passwords

    async def register(self, email: str, password: str, ip_address: str | None) -> SignedIn:
        """A new person, signed in.

        Raises:
            BadRequest: address or password cannot be used.
            Conflict: the address is taken.
        """
        address = _checked_email(email)
        shortest, longest = PASSWORD_LENGTH
        if not shortest <= len(password) <= longest:
            raise BadRequest(
                "password_length",
                f"a password has {shortest} to {longest} characters",
                field="password",
            )
        password_hash = await self._passwords.hash(password)
        now_us = self._clock.now_us()
        user = User(identifier(self._identifiers, "usr"), address, password_hash, now_us)

        def work(rows: WalletRows) -> SignedIn:
            if not rows.add_user(user):
                raise Conflict("email_taken", "this address is registered already", field="email")
            rows.audit(_entry(now_us, user.id, "user.registered", ip_address))
            return self._open(rows, user, ip_address)

        return await self._store.write(work)

    async def login(self, email: str, password: str, ip_address: str | None) -> SignedIn:
        """Sign in with address and password.

        Raises:
            NotSignedIn: unknown address or wrong password (not told apart); audited.
            TooMany: too many tries for this address, whether it is known or not.
        """
        address = email.strip().lower()
        self.limit_guesses(address)
        user = self._store.read(lambda rows: rows.user_by_email(address))
        matches = await self._passwords.matches(user.password_hash if user else None, password)
        if user is None or not matches:
            refused = replace(
                _entry(self._clock.now_us(), user.id if user else None, "login", ip_address),
                result="refused",
            )
            await self._store.write(lambda rows: rows.audit(refused))
            raise NotSignedIn("wrong_credentials", "address or password is wrong")
        person = user
        return await self._store.write(lambda rows: self._open(rows, person, ip_address))

    def limit_guesses(self, address: str) -> None:
        """Count a try at somebody's password.

        Raises:
            TooMany: there were too many.
        """
        self.limits.take(SIGN_IN, hashlib.sha256(address.encode()).hexdigest())

    async def login_demo(self, ip_address: str | None) -> SignedIn:
        """Sign in as the demo user, made on first use; the caller has shown the local token."""

        def work(rows: WalletRows) -> SignedIn:
            user = rows.user_by_id(DEMO_USER_ID)
            if user is None:
                user = User(DEMO_USER_ID, DEMO_EMAIL, None, self._clock.now_us())
                rows.add_user(user)
            if user.erased_at_us is not None:
                raise NotSignedIn("demo_erased", "this folder's demo user was erased: register")
            return self._open(rows, user, ip_address)

        return await self._store.write(work)

    async def logout(self, cookie: str, ip_address: str | None) -> None:
        """End the session; ending it twice is fine."""
        id_hash = hash_cookie(cookie)
        now_us = self._clock.now_us()

        def work(rows: WalletRows) -> None:
            session = rows.session(id_hash)
            if session is not None:
                rows.end_session(id_hash)
                rows.audit(_entry(now_us, session.user_id, "logout", ip_address))

        await self._store.write(work)
        await self.changed(id_hash)

    async def changed(self, *id_hashes: bytes) -> None:
        """These sessions ended or changed: nobody may go by what was kept of them."""
        if self._kept is not None:
            await self._kept.forget(*id_hashes)

    async def session(self, cookie: str | None) -> Session:
        """The session behind a cookie.

        Raises:
            NotSignedIn: none, ended or expired.
        """
        session = None
        if cookie:
            session = await self._read(hash_cookie(cookie))
        if session is None or session.expires_at_us <= self._clock.now_us():
            raise NotSignedIn("not_signed_in", "sign in first: POST /api/auth/login")
        return session

    async def _read(self, id_hash: bytes) -> Session | None:
        kept = self._kept
        if kept is None:
            return self._store.read(lambda rows: rows.session(id_hash))
        if (session := await kept.get(id_hash)) is not None:
            return session
        changes = kept.changes(id_hash)
        session = self._store.read(lambda rows: rows.session(id_hash))
        if session is not None:
            await kept.put(session, changes=changes)
        return session

    def user(self, session: Session) -> User:
        """The person of a session.

        Raises:
            NotSignedIn: the person is gone.
        """
        user = self._store.read(lambda rows: rows.user_by_id(session.user_id))
        if user is None:
            raise NotSignedIn("not_signed_in", "this account no longer exists")
        return user

    def _open(self, rows: WalletRows, user: User, ip_address: str | None) -> SignedIn:
        cookie = self._cookies.bytes(32).hex()
        now_us = self._clock.now_us()
        expires_at_us = now_us + SESSION_LIFE_S * 1_000_000
        rows.add_session(Session(hash_cookie(cookie), user.id, None, now_us, expires_at_us))
        rows.audit(_entry(now_us, user.id, "login", ip_address))
        return SignedIn(user, cookie, expires_at_us)


def hash_cookie(cookie: str) -> bytes:
    """What is stored of a session cookie."""
    return hashlib.sha256(cookie.encode()).digest()


def _checked_email(email: str) -> str:
    address = email.strip().lower()
    if len(address) > EMAIL_LENGTH_MAX or not _EMAIL.fullmatch(address):
        raise BadRequest("email_invalid", "this is not an e-mail address", field="email")
    return address


def _entry(at_us: int, user_id: str | None, action: str, ip_address: str | None) -> AuditEntry:
    return AuditEntry(at_us, user_id, action, "user", user_id, "done", ip_address)
