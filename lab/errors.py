"""The lab's error tree. Outcomes of a tap are values; these are faults and refusals.

LabError
├── WrongUse              the command or its arguments make no sense          (exit 2)
├── SomethingMissing      a thing outside is needed; carries its remedy       (exit 3)
├── NotDone               understood, tried, and refused for a reason         (exit 1)
├── EngineUnreachable     no engine answered; says whether anything had left
└── EngineRefused         the engine answered with a problem and a stable code
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus


class LabError(Exception):
    """Root of everything that the lab raises on purpose."""


class WrongUse(LabError):
    """Arguments or a file that cannot be meant; the text says what would be right."""


class SomethingMissing(LabError):
    """Something outside is needed.

    Attributes:
        remedy: one line that says what to do.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}: {remedy}")
        self.what = what
        self.remedy = remedy


class NotDone(LabError):
    """A request that was understood and could not be carried out."""


class EngineUnreachable(LabError):
    """No engine answered.

    Attributes:
        may_have_left: whether the request can have reached the engine; if so, only a retry with
            the same key may follow.
    """

    def __init__(self, detail: str, *, may_have_left: bool = False) -> None:
        super().__init__(detail)
        self.may_have_left = may_have_left


class EngineRefused(LabError):
    """The engine answered with `application/problem+json` (RFC 9457).

    Attributes:
        code: the problem's stable word.
        status: the HTTP status.
        problem: the whole document, with what else it says.
    """

    def __init__(
        self, code: str, detail: str, status: int, problem: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(detail)
        self.problem = problem or {}
        self.code = code
        self.detail = detail
        self.status = status

    @property
    def is_trouble(self) -> bool:
        """Whether the engine had trouble of its own (5xx), rather than an objection."""
        return self.status >= HTTPStatus.INTERNAL_SERVER_ERROR
