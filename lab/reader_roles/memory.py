"""What is remembered of readers: which role each device had, and those that a person named.

A JSON file in the data folder, keyed by the device's identity, so that a reader that is plugged in
tomorrow plays the part that it played today. A file that is damaged or of another version is as
good as none: roles are chosen again with a click. Knows no driver.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import orjson

from lab.json_fields import Json, as_object, text
from lab.reader_roles.devices import Role

ROLES_MAX = 200


@dataclass(slots=True)
class ReaderMemory:
    """The file's content.

    Attributes:
        roles: by device identity; those without a role are not kept.
        named: URLs of readers that no list shows.
        silent: whether readers' own lights and buzzers are left alone.
    """

    path: Path
    roles: dict[str, Role] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)
    silent: bool = False

    @classmethod
    def load(cls, path: Path) -> ReaderMemory:
        """What the file says; nothing where there is none that can be read."""
        try:
            body = as_object(orjson.loads(path.read_bytes()), path.name)
            roles = as_object(body["roles"], "roles")
            named = body["named"]
            if not isinstance(named, list):
                return cls(path)
            return cls(
                path,
                {identity: Role(text(roles, identity)) for identity in list(roles)[:ROLES_MAX]},
                [url for url in named if isinstance(url, str)],
                silent=body.get("silent") is True,
            )
        except (OSError, ValueError, KeyError):
            return cls(path)

    def remember(self, identity: str, role: Role) -> None:
        """Keep a device's role, the newest last; none is kept by forgetting it."""
        self.roles.pop(identity, None)
        if role is not Role.NONE:
            self.roles[identity] = role
        for oldest in list(self.roles)[:-ROLES_MAX]:
            del self.roles[oldest]
        self.store()

    def forget_till(self) -> None:
        """The till went back to the emulated reader: no device takes it by itself any more."""
        self.roles = {who: role for who, role in self.roles.items() if role is not Role.TILL}
        self.store()

    def store(self) -> None:
        """Write the file, whole or not at all.

        Raises:
            OSError: the data folder cannot be written.
        """
        body: Json = {
            "roles": {identity: role.value for identity, role in self.roles.items()},
            "named": self.named,
            "silent": self.silent,
        }
        spare = self.path.with_suffix(".new")
        spare.write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2))
        spare.replace(self.path)
