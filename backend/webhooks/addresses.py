"""Which addresses may be told anything: this machine's own, unless the settings say otherwise.

A name says nothing about where it leads, so it is resolved when a connection is made, every
address that it resolves to is judged, and the connection goes to the judged address itself: a name
that changes its mind in between gains nothing. Knows no client.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import urlsplit

from backend.runtime.errors import BadRequest

URL_MAX = 2_048
LOCAL_NAMES = frozenset({"localhost", "localhost."})


def check_url(url: str, *, allow_non_loopback: bool) -> None:
    """Judge an address when it is given.

    Raises:
        BadRequest: `url_invalid`, or `url_not_loopback` for an address literal of another machine.
    """
    invalid = BadRequest("url_invalid", "url is an http or https address", field="url")
    if len(url) > URL_MAX or not url.isascii() or any(each <= " " for each in url):
        raise invalid
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise invalid from None
    host = parts.hostname
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise invalid
    if parts.username is not None or parts.fragment:
        raise BadRequest("url_invalid", "url carries no user name and no fragment", field="url")
    if not allow_non_loopback and host not in LOCAL_NAMES and not _is_loopback(host):
        raise BadRequest(
            "url_not_loopback",
            "webhooks go to this machine only (localhost, 127.0.0.1, ::1); start the engine with "
            "TAPLAB_ALLOW_WEBHOOKS_ELSEWHERE=1 if that is what you want",
            field="url",
        )


def chosen_address(addresses: Sequence[str], *, allow_non_loopback: bool) -> str | None:
    """The address to connect to; None when one of them may not be told anything.

    Args:
        addresses: all that a name resolved to, the preferred first.
        allow_non_loopback: whether other machines may be told.
    """
    if not addresses:
        return None
    allowed = allow_non_loopback or all(_is_loopback(each) for each in addresses)
    return addresses[0] if allowed else None


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
