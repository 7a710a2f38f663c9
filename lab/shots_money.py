"""Pictures of the money place, in the picture maker's one session: a whole shop's day in the books.

A receiver on loopback takes the webhooks, so that what the pictures show went over a wire.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial

from lab.money.state import MoneyState, Section
from lab.window.main_window import MainWindow
from lab.world import World

NAMES = (
    "20-money-ledger", "21-money-webhooks", "30-dispute", "54-money-settlement",
    "55-money-merchants", "56-money-audit",
)  # fmt: skip
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
MERCHANT = "mer_corner_market"
Work = Callable[[], Coroutine[object, object, object] | None]


class _Receiver:
    """A merchant's server that takes whatever it is told."""

    def __init__(self) -> None:
        self.server: asyncio.Server | None = None

    async def open(self, world: World) -> None:
        """Listen, and have the corner shop's events sent here."""
        self.server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/events"
        order = {"merchant_id": MERCHANT, "url": url, "enabled_events": ["*"]}
        await world.client.make_webhook_endpoint(order)

    async def close(self) -> None:
        """Listen no longer."""
        assert self.server is not None, "opened before"
        self.server.close()
        await self.server.wait_closed()

    @staticmethod
    async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                await reader.readexactly(int(line.partition(b":")[2]))
        writer.write(ANSWER)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


def play(
    world: World,
    window: MainWindow,
    shot: Callable[[str, Callable[[], object]], None],
    io: Callable[[Work], None],
    until: Callable[[Callable[[], bool]], None],
    sell: Callable[[], object],
) -> None:
    """The pictures, and nothing left listening afterwards.

    Args:
        world: the laboratory.
        window: the window on it.
        shot: goes there and takes the picture.
        io: calls a flow where flows run.
        until: waits for a state.
        sell: makes one approved sale at the till.
    """
    money, receiver = world.money, _Receiver()

    def turn(section: Section, ready: Callable[[MoneyState], bool]) -> None:
        window.go_to("money")
        io(partial(money.show_section, section))
        until(lambda: money.state.section is section and ready(money.state))

    def choose_first(section: Section) -> None:
        row_id = money.state.page.rows[0].id
        io(partial(money.choose, row_id))
        until(lambda: money.state.detail is not None and money.state.section is section)

    def ledger() -> None:
        turn(Section.LEDGER, lambda state: bool(state.page.rows))

    def webhooks() -> None:
        io(partial(receiver.open, world))
        until(lambda: receiver.server is not None)
        sell()
        io(world.after_sale.close_day)
        turn(Section.WEBHOOKS, lambda state: len(_done(state)) > 2)
        choose_first(Section.WEBHOOKS)

    def dispute() -> None:
        turn(Section.DISPUTES, lambda state: bool(state.page.acts))
        io(partial(money.act, "dispute"))
        until(lambda: bool(money.state.page.rows))
        choose_first(Section.DISPUTES)

    def settlement() -> None:
        turn(Section.SETTLEMENT, lambda state: bool(state.page.acts))
        io(partial(money.act, "settle"))
        until(lambda: bool(money.state.page.rows))
        choose_first(Section.SETTLEMENT)

    def merchants() -> None:
        turn(Section.MERCHANTS, lambda state: bool(state.page.rows))
        choose_first(Section.MERCHANTS)

    def audit() -> None:
        turn(Section.AUDIT, lambda state: bool(state.page.rows))

    for name, go in zip(
        NAMES, (ledger, webhooks, dispute, settlement, merchants, audit), strict=True
    ):
        shot(name, go)
    io(receiver.close)
    io(partial(money.show_section, Section.LEDGER))
    window.go_to("console")


def _done(state: MoneyState) -> list[str]:
    return [row.id for row in state.page.rows if row.kind == "good"]
