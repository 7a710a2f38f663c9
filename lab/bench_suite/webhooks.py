"""How fast a merchant's server is told: deliveries a second to a receiver on loopback.

The receiver shares the machine with engine and till, and checks every signature. Payments are made
as fast as they can be; what they left to be told is counted from the first arrival to the last.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from backend.api import Clock
from lab.errors import NotDone
from lab.json_fields import text
from lab.webhook_receiver import HOST, Heard, Receiver
from lab.world import World

MERCHANT = "mer_corner_market"
EVENTS_OF_A_TAP = 3
PATIENCE_S = 60.0
LOOK_S = 0.02


@dataclass(slots=True)
class _Arrivals:
    """Which events arrived, and when the first and the last did, steady microseconds."""

    clock: Clock
    first_us: int = 0
    last_us: int = 0
    events: set[str] = field(default_factory=set)

    def note(self, heard: Heard) -> None:
        """One has arrived.

        Raises:
            NotDone: its signature is wrong.
        """
        if heard.refusal is not None:
            raise NotDone(f"a delivery of the benchmark was not believed: {heard.refusal}")
        self.last_us = self.clock.monotonic_us()
        self.first_us = self.first_us or self.last_us
        self.events.add(text(heard.event, "id"))


async def deliveries_a_second(
    world: World, pay: Callable[[], Awaitable[object]], payments: int
) -> float:
    """Make payments, and see how fast their merchant is told.

    Args:
        world: with its engine up.
        pay: makes the payments.
        payments: how many that are; each leaves three events.

    Raises:
        NotDone: not all arrived.
    """
    arrivals, receiver = _Arrivals(world.clock), Receiver(world.clock.unmoved_us)
    receiver.on_heard = arrivals.note
    async with receiver.listening() as port:
        made = await world.client.make_webhook_endpoint(
            {
                "merchant_id": MERCHANT,
                "url": f"http://{HOST}:{port}/hooks",
                "enabled_events": ["*"],
            }
        )
        receiver.secret = text(made, "secret")
        await pay()
        waited_s = 0.0
        while len(arrivals.events) < payments * EVENTS_OF_A_TAP:
            if waited_s > PATIENCE_S:
                raise NotDone(f"only {len(arrivals.events)} events came in {PATIENCE_S:g} s")
            await world.real_scheduler.sleep(LOOK_S)
            waited_s += LOOK_S
        await world.client.delete_webhook_endpoint(text(made, "id"))
    return len(arrivals.events) / ((arrivals.last_us - arrivals.first_us) / 1e6)
