"""What a card keeps of its last cryptogram, so that a torn tap can be taken up again (Book C-2).

A card cannot know whether its answer was heard. It keeps the answer with the values that the
recovery list (9F51) names, and gives it once more to a terminal that repeats those values: the same
cryptogram under the same counter, and no new one. One answer a token; the next cryptogram takes its
place. Knows no file and no command.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_COUNTER_LENGTH = 2


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """The last answer to GENERATE AC.

    Attributes:
        asked: the recovery list's values as that command had them.
        atc: the counter inside the answer.
        answer: the whole answer, without status word.
    """

    asked: bytes = field(repr=False)
    atc: int
    answer: bytes = field(repr=False)

    def to_bytes(self) -> bytes:
        """One value for the element's file; `from_bytes` reads it."""
        head = bytes([len(self.asked)]) + self.asked
        return head + self.atc.to_bytes(_COUNTER_LENGTH, "big") + self.answer

    @classmethod
    def from_bytes(cls, value: bytes) -> KeptAnswer:
        """The inverse; the file gives only what it was given."""
        length = value[0]
        asked, rest = value[1 : 1 + length], value[1 + length :]
        atc = int.from_bytes(rest[:_COUNTER_LENGTH], "big")
        return cls(asked, atc, rest[_COUNTER_LENGTH:])
