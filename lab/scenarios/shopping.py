"""How a scenario pays in an app: a shop asks, the phone's owner looks at the sheet, the shop hears.

The same flow that a person's touch calls. Judges nothing.
"""

from __future__ import annotations

from dataclasses import replace

from lab.errors import NotDone
from lab.json_fields import text
from lab.scenarios.model import Tap
from lab.scenarios.observation import untaken
from lab.scenarios.result import TapTaken
from lab.world import World

SHOP = "mer_tea_house"
SHEET_LIMIT_S = 5.0
LOOK_AGAIN_S = 0.01
_OUTCOMES = {"approved": "approved", "declined": "declined", "pending": "unknown"}
"""What a session says in the words of a till; anything else may be tried again."""


async def pay_in_app(world: World, step: Tap) -> TapTaken:
    """Have a shop ask for the step's amount, and pay with the step's card.

    Raises:
        NotDone: the phone did not show the shop's sheet.
        EngineRefused, EngineUnreachable: the session could not be opened or looked at.
    """
    opened = await world.client.open_merchant_session(
        {
            "merchantId": SHOP,
            "amount": step.amount_minor,
            "currency": step.currency,
            "supportedNetworks": [step.card],
        }
    )
    session_id = text(opened, "id")
    try:
        async with world.real_scheduler.deadline(SHEET_LIMIT_S):
            while world.wallet.state.in_app.session_id != session_id:
                await world.real_scheduler.sleep(LOOK_AGAIN_S)
    except TimeoutError as late:
        raise NotDone("the phone did not show the shop's sheet") from late
    await world.wallet.scan_face("success")
    seen = await world.client.merchant_session(session_id)
    world.wallet.close()
    return replace(
        untaken(step, _OUTCOMES.get(text(seen, "status"), "try_again")),
        tap_id=session_id,
        payment_id=text(seen, "transactionId", ""),
    )
