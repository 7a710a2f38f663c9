"""What the product says, in one place: every sentence by key, as a plain and a field wording.

Flows and views carry keys and parameters; only here do they become text. "Plain" is for a room of
people ("Blocked"), "field" for engineers ("breaker open"). A catalogue for another language
replaces the sentences by key. Knows nothing of Qt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.words import (
    anycard_words,
    bench_words,
    card_words,
    flow_words,
    kernel_words,
    money_words,
    product_words,
    reader_words,
    sale_words,
    scenario_words,
    view_words,
    watch_words,
)


@dataclass(frozen=True, slots=True)
class Message:
    """Something to say: a key, its parameters, and whether it is good news.

    Attributes:
        key: key into the words table.
        kind: "neutral", "good", "bad", "waiting" or "ours" (something that we did).
        values: what the sentence's `{name}` places are filled with.
    """

    key: str
    kind: str = "neutral"
    values: tuple[tuple[str, str], ...] = ()


def message(key: str, kind: str = "neutral", **values: object) -> Message:
    """Build a `Message`; values become text here."""
    return Message(key, kind, tuple((name, str(value)) for name, value in values.items()))


class Words:
    """The sentences of one language, in plain or in field wording."""

    def __init__(self, catalogue: Mapping[str, tuple[str, str]] | None = None) -> None:
        self._catalogue = dict(ENGLISH if catalogue is None else catalogue)
        self.field_words = False

    def say(self, key: str, **values: object) -> str:
        """The sentence for `key`, filled in.

        Raises:
            KeyError: no such key: a programmer's slip that the tests look for.
        """
        plain, field = self._catalogue[key]
        text = field if self.field_words else plain
        return text.format(**values) if values else text

    def tell(self, what: Message) -> str:
        """The sentence of a `Message`."""
        return self.say(what.key, **dict(what.values))


ENGLISH: dict[str, tuple[str, str]] = {
    **flow_words.WORDS,
    **kernel_words.WORDS,
    **view_words.WORDS,
    **bench_words.WORDS,
    **card_words.WORDS,
    **reader_words.WORDS,
    **scenario_words.WORDS,
    **anycard_words.WORDS,
    **sale_words.WORDS,
    **money_words.WORDS,
    **watch_words.WORDS,
    **product_words.WORDS,
}

_words = Words()


def words() -> Words:
    """The wording in use."""
    return _words


def tr(key: str, **values: object) -> str:
    """The sentence for `key` in the wording in use."""
    return _words.say(key, **values)


def tell(what: Message) -> str:
    """The sentence of a `Message` in the wording in use."""
    return _words.tell(what)
