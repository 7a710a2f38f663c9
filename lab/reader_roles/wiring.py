"""The readers' presenter of one world, with everything that it needs from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.reader_roles.flow import RolesFlow
from lab.reader_roles.memory import ReaderMemory
from lab.reader_roles.table import ReaderTable

if TYPE_CHECKING:
    from hardware.api import ReaderInfo, SecureElement
    from lab.console.flow import ConsoleFlow
    from lab.ground import Ground
    from lab.shop import Till


def wire_roles(
    till: Till, ground: Ground, element: SecureElement, console: ConsoleFlow
) -> RolesFlow:
    """Readers round this till and this phone, as this folder remembers them."""
    table = ReaderTable(console.bench, ground.clock)
    table.toast = console.toast

    def emit(kind: str, info: ReaderInfo) -> None:
        till.log.emit(kind, actor="reader", data={"reader": info.name, "url": info.url})

    table.emit = emit
    roles = RolesFlow(
        field=till.field,
        till_at=till.links.reader,
        real=till.real,
        pos=till.pos,
        element=element,
        table=table,
        memory=ReaderMemory.load(till.settings.readers_file),
        scheduler=ground.real_scheduler,
        stream=ground.entropy.secret("published card"),
        bus=till.bus,
    )
    till.log.subscribe(roles.heard)
    return roles
