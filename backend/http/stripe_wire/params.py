"""Reads a request's parameters one by one, each with its type, and refuses what nobody read.

Used as a context: at its end, a parameter that no line asked for is `parameter_unknown`. Messages
name the parameter as it was sent (`card[exp_month]`) and never its value. Empty text unsets where
a field can be unset, and is refused elsewhere. Knows types and limits, no object.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Self, TypeVar

from backend.domain.money import AMOUNT_MINOR_MAX, is_currency
from backend.http.stripe_wire.errors import WireError, bad_parameter
from backend.http.stripe_wire.forms import Form, Value

T = TypeVar("T")
TEXT_LENGTH_MAX = 5_000
METADATA_KEYS_MAX = 50
METADATA_NAME_MAX = 40
METADATA_VALUE_MAX = 500
_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)

Metadata = dict[str, str]


class Params:
    """The parameters of one request, or of one group of it."""

    def __init__(self, form: Mapping[str, Value], within: str = "") -> None:
        self._left: Form = dict(form)
        self._within = within
        self._groups: list[Params] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.done()

    def done(self) -> None:
        """Everything is read.

        Raises:
            WireError: `parameter_unknown`.
        """
        for name in self._left:
            raise bad_parameter(
                "parameter_unknown",
                f"Received unknown parameter: {self.full(name)[:200]}",
                self.full(name)[:200],
            )
        for group in self._groups:
            group.done()

    def full(self, name: str) -> str:
        """A parameter's name as it was sent."""
        return f"{self._within}[{name}]" if self._within else name

    def has(self, name: str) -> bool:
        """Whether it is given and not read yet."""
        return name in self._left

    def is_group(self, name: str) -> bool:
        """Whether it is given as a group and not read yet."""
        return isinstance(self._left.get(name), dict)

    def needed(self, name: str, value: T | None) -> T:
        """A parameter that must be there.

        Raises:
            WireError: `parameter_missing`.
        """
        if value is None:
            raise self.missing(name)
        return value

    def missing(self, name: str) -> WireError:
        """The refusal for a parameter that must be there."""
        return bad_parameter(
            "parameter_missing", f"Missing required param: {self.full(name)}.", self.full(name)
        )

    def text(self, name: str, *, length_max: int = TEXT_LENGTH_MAX) -> str | None:
        """Text that is not empty.

        Raises:
            WireError: `parameter_invalid_empty`, `parameter_invalid_string_…`.
        """
        value = self._scalar(name)
        if value == "":
            raise bad_parameter(
                "parameter_invalid_empty",
                f"{self.full(name)} is empty: leave it out, or give a value.",
                self.full(name),
            )
        return None if value is None else self._bounded(name, value, length_max)

    def into(self, fields: dict[str, object], name: str, *, length_max: int = 5_000) -> None:
        """Note text that may be set, changed or (with an empty value) unset.

        Raises:
            WireError: `parameter_invalid_string_…`.
        """
        value = self._scalar(name)
        if value is not None:
            fields[name] = self._bounded(name, value, length_max) or None

    def whole(self, name: str, *, at_least: int = 0, at_most: int = AMOUNT_MINOR_MAX) -> int | None:
        """A whole number.

        Raises:
            WireError: `parameter_invalid_integer`, `amount_too_small`, `amount_too_large`.
        """
        value = self._scalar(name)
        if value is None:
            return None
        if _WHOLE.fullmatch(value) is None:
            raise bad_parameter(
                "parameter_invalid_integer", f"{self.full(name)} is a whole number.",
                self.full(name),
            )  # fmt: skip
        number = int(value)
        if not at_least <= number <= at_most:
            raise bad_parameter(
                "parameter_invalid_integer",
                f"{self.full(name)} lies between {at_least} and {at_most}.",
                self.full(name),
            )
        return number

    def amount(self, name: str = "amount") -> int | None:
        """Minor units, above zero."""
        return self.whole(name, at_least=1)

    def currency(self, name: str = "currency") -> str | None:
        """ISO 4217 letters, upper-case here and lower-case on the wire.

        Raises:
            WireError: `invalid_currency`.
        """
        value = self._scalar(name)
        if value is None:
            return None
        letters = value.upper()
        if not (value.isascii() and is_currency(letters)):
            raise bad_parameter(
                "invalid_currency", f"{self.full(name)} is no ISO 4217 currency.", self.full(name)
            )
        return letters

    def boolean(self, name: str) -> bool | None:
        """`true` or `false`.

        Raises:
            WireError: `parameter_invalid_boolean`.
        """
        value = self._scalar(name)
        if value is None:
            return None
        if value not in {"true", "false"}:
            raise bad_parameter(
                "parameter_invalid_boolean", f"{self.full(name)} is true or false.",
                self.full(name),
            )  # fmt: skip
        return value == "true"

    def choice(self, name: str, words: Collection[str]) -> str | None:
        """One of a few words.

        Raises:
            WireError: `parameter_invalid_choice`.
        """
        value = self._scalar(name)
        if value is not None and value not in words:
            raise bad_parameter(
                "parameter_invalid_choice",
                f"{self.full(name)} is one of: {', '.join(sorted(words))}.",
                self.full(name),
            )
        return value

    def group(self, name: str) -> Params | None:
        """A group of parameters; what it holds has to be read too.

        Raises:
            WireError: `parameter_invalid_hash`.
        """
        value = self._left.pop(name, None)
        if value is None or value == "":
            return None
        if not isinstance(value, dict):
            raise bad_parameter(
                "parameter_invalid_hash", f"{self.full(name)} is a group of parameters.",
                self.full(name),
            )  # fmt: skip
        made = Params(value, self.full(name))
        self._groups.append(made)
        return made

    def words(self, name: str) -> list[str] | None:
        """A list of texts; an empty value is an empty list.

        Raises:
            WireError: `parameter_invalid_array`.
        """
        value = self._left.pop(name, None)
        if value is None:
            return None
        listed: list[Value] = [] if value == "" else value if isinstance(value, list) else [{}]
        texts = [each for each in listed if isinstance(each, str)]
        if len(texts) != len(listed):
            raise bad_parameter(
                "parameter_invalid_array", f"{self.full(name)} is a list of texts.",
                self.full(name),
            )  # fmt: skip
        return texts

    def groups(self, name: str) -> list[Params] | None:
        """A list of groups.

        Raises:
            WireError: `parameter_invalid_array`.
        """
        value = self._left.pop(name, None)
        if value is None or value == "":
            return None if value is None else []
        listed = value if isinstance(value, list) else [""]
        made = [
            Params(each, f"{self.full(name)}[{index}]")
            for index, each in enumerate(listed)
            if isinstance(each, dict)
        ]
        if len(made) != len(listed):
            raise bad_parameter(
                "parameter_invalid_array", f"{self.full(name)} is a list of groups.",
                self.full(name),
            )  # fmt: skip
        self._groups += made
        return made

    def metadata(self, before: Mapping[str, str] | None = None) -> Metadata | None:
        """The merchant's own words: what was there with what is given; None when nothing is.

        A name with an empty value goes, an empty `metadata` clears all.

        Raises:
            WireError: more than 50 names, a name beyond 40 or a value beyond 500 characters.
        """
        value = self._left.pop("metadata", None)
        if value is None:
            return None
        if value == "":
            return {}
        if not isinstance(value, dict):
            raise self._bad_metadata("parameter_invalid_hash", "metadata is a group of texts.")
        merged = dict(before or {})
        for name, text in value.items():
            if not isinstance(text, str):
                raise self._bad_metadata("parameter_invalid_string", "metadata holds texts only.")
            if len(name) > METADATA_NAME_MAX or len(text) > METADATA_VALUE_MAX:
                raise self._bad_metadata(
                    "parameter_invalid_string",
                    f"metadata has names of at most {METADATA_NAME_MAX} and values of at most"
                    f" {METADATA_VALUE_MAX} characters.",
                )
            merged.pop(name, None)
            if text:
                merged[name] = text
        if len(merged) > METADATA_KEYS_MAX:
            raise self._bad_metadata(
                "parameter_invalid_hash", f"metadata has at most {METADATA_KEYS_MAX} names."
            )
        return merged

    def _bad_metadata(self, code: str, message: str) -> WireError:
        return bad_parameter(code, message, self.full("metadata"))

    def _scalar(self, name: str) -> str | None:
        value = self._left.pop(name, None)
        if value is None or isinstance(value, str):
            return value
        raise bad_parameter(
            "parameter_invalid_string", f"{self.full(name)} is one value, not a group.",
            self.full(name),
        )  # fmt: skip

    def _bounded(self, name: str, value: str, length_max: int) -> str:
        if len(value) > length_max:
            raise bad_parameter(
                "parameter_invalid_string_length",
                f"{self.full(name)} has at most {length_max} characters.",
                self.full(name),
            )
        if "\x00" in value:
            raise bad_parameter(
                "parameter_invalid_string", f"{self.full(name)} is plain text.", self.full(name)
            )
        return value
