"""What a section of the money place is made of, and how numbers are written there."""

from __future__ import annotations

from typing import Protocol

from lab.amounts import format_amount
from lab.clock_text import date_and_time
from lab.json_fields import Json, whole_or_none
from lab.money.state import Detail, Page
from lab.words import Message

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"


class Source(Protocol):
    """One section: asks the engine and shapes its answers."""

    async def look(self) -> Page:
        """The section now.

        Raises:
            EngineRefused, EngineUnreachable: nothing can be told.
            ValueError: the answer is none.
        """

    async def detail(self, row_id: str) -> Detail | None:
        """One row in full; None when there is nothing more to it."""

    async def act(self, name: str, row_id: str) -> Message | None:
        """Do what a button says, and what to say of it."""


def money(amount_minor: int, currency: str) -> str:
    """With its sign before the currency's, as accounts are written."""
    sign = MINUS if amount_minor < 0 else ""
    return sign + format_amount(abs(amount_minor), currency)


def moment(body: Json, name: str) -> str:
    """A moment of lab time, or a dash where there is none."""
    at_us = whole_or_none(body, name)
    return NONE if at_us is None else date_and_time(at_us)


def words_of(value: object) -> str:
    """A value as a fact: lists by commas, nothing as a dash."""
    if value is None or value == "":
        return NONE
    if isinstance(value, list | tuple):
        return ", ".join(str(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return str(value)


def facts_of(body: Json, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Names and values of those fields that an answer has, in that order."""
    return tuple(
        (name.removesuffix("_at_us"), moment(body, name))
        if name.endswith("_at_us")
        else (name, words_of(body[name]))
        for name in names
        if name in body
    )
