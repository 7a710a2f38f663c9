"""The money place's presenter: one section at a time, asked again while somebody looks. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from backend.api import Scheduler
from lab.bus import Bus
from lab.client import EngineClient
from lab.errors import EngineRefused, EngineUnreachable
from lab.money.audit import Audit
from lab.money.disputes import Disputes
from lab.money.ledger import Ledger
from lab.money.merchants import Merchants
from lab.money.settlement import Settlement
from lab.money.source import Source
from lab.money.state import NOTHING, MoneyState, Page, Section
from lab.money.webhooks import Webhooks
from lab.words import Message

LOOK_EVERY_S = 1.0
REFUSED = Page(empty="money.refused")


class MoneyFlow:
    """Looks at the engine's books while the place is open, and at nothing while it is not."""

    def __init__(
        self,
        *,
        client: EngineClient,
        scheduler: Scheduler,
        bus: Bus,
        toast: Callable[[Message], None],
    ) -> None:
        """A place that nobody looks at yet.

        Args:
            client: the way to the engine.
            scheduler: a real-time one, for asking again.
            bus: shows the state.
            toast: says one sentence of what came of an order.
        """
        self._scheduler = scheduler
        self._bus = bus
        self._toast = toast
        self._sources: Mapping[Section, Source] = {
            Section.LEDGER: Ledger(client),
            Section.SETTLEMENT: Settlement(client),
            Section.WEBHOOKS: Webhooks(client),
            Section.DISPUTES: Disputes(client),
            Section.MERCHANTS: Merchants(client),
            Section.AUDIT: Audit(client),
        }
        self._open = False
        self._looking = False
        self._state = MoneyState()
        self._show()

    @property
    def state(self) -> MoneyState:
        """What the place shows."""
        return self._state

    async def set_open(self, *, is_open: bool) -> None:
        """Somebody came to the place, or left it."""
        self._open = is_open
        if is_open and not self._looking:
            self._looking = True
            self._scheduler.spawn(self._look_on(), "money place")

    async def show_section(self, section: Section) -> None:
        """Turn to a section; what was chosen in the last one is put away."""
        if section is not self._state.section:
            self._show(section=section, page=NOTHING, chosen="", detail=None)
        await self.look()

    async def choose(self, row_id: str) -> None:
        """Show a row in full; "" puts it away."""
        self._show(chosen=row_id, detail=None)
        await self._show_detail()

    async def act(self, name: str) -> None:
        """Do what a button says, with the chosen row where it needs one."""
        section = self._state.section
        said = await self._sources[section].act(name, self._state.chosen)
        if said is not None:
            self._toast(said)
        await self.look()

    async def look(self) -> None:
        """Ask for the section once; an answer that comes when another one is shown is dropped."""
        section = self._state.section
        page = await self._sources[section].look()
        if section is self._state.section:
            self._show(page=page)
            await self._show_detail()

    async def _show_detail(self) -> None:
        section, chosen = self._state.section, self._state.chosen
        if not chosen:
            return
        detail = await self._sources[section].detail(chosen)
        if (section, chosen) == (self._state.section, self._state.chosen):
            self._show(detail=detail)

    async def _look_on(self) -> None:
        try:
            while self._open:
                try:
                    await self.look()
                except EngineUnreachable:
                    pass  # its supervision says so already; what was seen stays
                except EngineRefused:
                    self._show(page=REFUSED)
                await self._scheduler.sleep(LOOK_EVERY_S)
        finally:
            self._looking = False

    def _show(self, **changes: object) -> None:
        self._state = replace(self._state, **changes)  # type: ignore[arg-type]  # by name
        self._bus.publish(self._state)
