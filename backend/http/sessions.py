"""Who is calling: reads the session cookie, writes it, and names the caller for the audit log.

The cookie cannot be read by scripts (HttpOnly), is not sent along from other sites (SameSite=Lax)
and lives seven days; the session itself is a row on the server.
"""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import Response

from backend.wallet.accounts import SESSION_LIFE_S, Accounts
from backend.wallet.limits import REQUESTS
from backend.wallet.model import Caller, Session

COOKIE = "session"


async def session_of(connection: HTTPConnection, accounts: Accounts) -> Session:
    """The caller's session; one more request of that person.

    Raises:
        NotSignedIn: none, ended or expired.
        TooMany: more requests than a person may send.
    """
    session = await accounts.session(connection.cookies.get(COOKIE))
    accounts.limits.take(REQUESTS, session.user_id)
    return session


async def caller_of(connection: HTTPConnection, accounts: Accounts) -> Caller:
    """The caller as the wallet knows them.

    Raises:
        NotSignedIn: no session, or an ended one.
    """
    return Caller((await session_of(connection, accounts)).user_id, address_of(connection))


def address_of(connection: HTTPConnection) -> str | None:
    """Where the request came from, for the audit log."""
    return connection.client.host if connection.client is not None else None


def set_cookie(response: Response, value: str) -> None:
    """Hand the session to the client."""
    response.set_cookie(COOKIE, value, max_age=SESSION_LIFE_S, httponly=True, samesite="lax")


def clear_cookie(response: Response) -> None:
    """Take it back."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax")
