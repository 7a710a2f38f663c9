"""How a reader's state is said in a few words, for chip, list and detail alike. Without Qt."""

from __future__ import annotations

from lab.console.state import ReaderView
from lab.words import tr

ROLES = ("till", "phone", "bench", "")


def reader_kind(reader: ReaderView) -> str:
    """The kind of its mark: good, waiting for it to come back, or bad."""
    if not reader.there:
        return "waiting"
    return "good" if reader.usable else "bad"


def reader_state(reader: ReaderView) -> str:
    """One sentence: ready, away, or what is wrong."""
    if not reader.there:
        return tr("reader.state.waited_for" if reader.role else "reader.state.away")
    return tr("reader.state.ready") if reader.usable else reader.why


def role_word(role: str) -> str:
    """What a role is called."""
    return tr(f"reader.role.{role or 'none'}")


def reader_label(reader: ReaderView) -> str:
    """What it is called where there is little room: the model says more than a driver's name."""
    return reader.label or reader.name


def labels(readers: tuple[ReaderView, ...]) -> tuple[str, ...]:
    """Short names of readers side by side; two of one model keep what tells them apart."""
    short = [_short(reader) for reader in readers]
    return tuple(
        f"{name} {reader.name.rpartition(' ')[2]}" if short.count(name) > 1 else name
        for name, reader in zip(short, readers, strict=True)
    )


def _short(reader: ReaderView) -> str:
    if reader.model and reader.driver == "pcsc":
        return reader.model
    return reader.name
