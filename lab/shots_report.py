"""What became of the pictures. Knows no window."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.errors import LabError


class NotReachedError(LabError):
    """A screen that did not come in time."""


@dataclass(slots=True)
class Report:
    """What was made, what was not, and what is not built yet."""

    made: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    not_built: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, object]:
        """The document of `shots --json`."""
        return {"made": self.made, "failed": self.failed, "not_built": self.not_built}
