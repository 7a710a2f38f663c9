"""Every place where a tap can be torn, tried once: how many there are, and how many went wrong.

Each command of each card of the phone, before and after the card's work, by each effect that the
fault wrappers know for cards. A torn tap must end in an outcome, and the next must pass. No engine:
nothing is paid. The exhaustive sweep with every image of a card is a test; this is its figure.
"""

from __future__ import annotations

from collections.abc import Mapping

from hardware.api import (
    INSTANT,
    CardFaultPlan,
    CardLinkError,
    EmulatedReader,
    FaultyReader,
    Outcome,
    TapRequest,
    TapResult,
    TerminalConfig,
    run_tap,
)
from lab.bench_suite.figure import figure
from lab.card_serving import Arm, HeldPhone
from lab.world import World

EFFECTS: tuple[Mapping[str, object], ...] = (
    {"effect": "pull"},
    {"effect": "mute", "ms": 1},
    {"effect": "short_data"},
    {"effect": "wrong_status", "sw": "6F00"},
    {"effect": "wrong_status", "sw": "6985"},
)


async def figures(world: World) -> list[dict[str, object]]:
    """Torn taps that were tried, and those after which something was wrong."""
    tried = wrong = 0
    for card in world.wallet.cards:
        whole = await _tap(world, card.token_ref)
        commands = whole.apdu_count if whole is not None else 0
        wrong += not _is_whole(whole)
        for at in range(1, commands + 1):
            for moment in ("before", "after"):
                for effect in EFFECTS:
                    tried += 1
                    table = {"link": "card", "at_apdu": at, "moment": moment, **effect}
                    torn = await _tap(world, card.token_ref, table)
                    again = await _tap(world, card.token_ref)
                    wrong += torn is None or not _is_whole(again)
    return [figure("tear_outs_tried", [tried], None), figure("tear_outs_wrong", [wrong], 0)]


def _is_whole(result: TapResult | None) -> bool:
    return result is not None and result.outcome is Outcome.ONLINE_REQUEST


async def _tap(world: World, token_ref: str, *tables: Mapping[str, object]) -> TapResult | None:
    """One tap under these faults; None where it ended in no outcome at all."""
    stream = world.entropy.stream("bench tear-outs")
    phone = HeldPhone(
        world.element,
        token_ref,
        Arm.ALWAYS,
        with_pse=False,
        log=world.log,
        tell=lambda _happened: None,
    )
    plan = CardFaultPlan.from_tables(
        tables, stream=stream, clock=world.clock, scheduler=world.scheduler
    )
    bare = EmulatedReader("bench", world.scheduler, INSTANT, stream)
    bare.present(phone.present())
    try:
        link = await FaultyReader(bare, plan).wait_for_card(0)
        return await run_tap(
            link, TerminalConfig(), TapRequest(1240, 840), clock=world.clock, stream=stream
        )
    except CardLinkError:
        return None
    finally:
        await bare.close()
        world.element.disarm()
