"""The readers that there are, as the top bar and the bench show them."""

from __future__ import annotations

from hardware.api import EMULATED, ReaderInfo
from lab.console.state import ReaderView
from lab.words import tr


def reader_views(
    readers: tuple[ReaderInfo, ...] = (EMULATED,), in_use: str = EMULATED.url, name: str = ""
) -> tuple[ReaderView, ...]:
    """Readers as data.

    Args:
        readers: those that there are.
        in_use: URL of the one that the till stands at, whole or with a part of the name.
        name: what that one is called; shown as missing while it is not among `readers`.
    """
    standing_at = _standing_at(readers, in_use, name)
    views = tuple(
        ReaderView(
            url=reader.url,
            name=reader.name,
            driver=reader.driver,
            role="till" if reader.url in standing_at else "",
            card=reader.card or "",
            usable=reader.usable,
            why=reader.why,
        )
        for reader in readers
    )
    if standing_at:
        return views
    gone = ReaderView(
        url=in_use,
        name=name,
        driver=in_use.partition(":")[0],
        role="till",
        card="",
        usable=False,
        why=tr("bench.reader.unplugged"),
    )
    return (*views, gone)


def _standing_at(readers: tuple[ReaderInfo, ...], in_use: str, name: str) -> set[str]:
    """URLs of the readers that `in_use` names: by its whole name, else by a part of it."""
    if exact := {reader.url for reader in readers if reader.url == in_use}:
        return exact
    scheme = in_use.partition(":")[0] + ":"
    return {
        reader.url
        for reader in readers
        if reader.url.startswith(scheme) and name.casefold() in reader.name.casefold()
    }
