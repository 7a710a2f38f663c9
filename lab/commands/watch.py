"""The watch in a command's hand: put on, unlocked, with the card that is wanted."""

from __future__ import annotations

from lab.commands.shared import remark
from lab.engine_shapes import CardRecord
from lab.errors import NotDone
from lab.in_hand import WATCH
from lab.watch.flow import WatchFlow
from lab.world import World

PASSCODE = "000000"
ARRIVES_S = 5.0
LOOK_AGAIN_S = 0.02


async def watch_card_for(world: World, card: CardRecord) -> CardRecord:
    """The watch's token of one of the phone's cards, in the hand of who wears it.

    A watch that is not there is put on the table, and a card that it has not is added.

    Raises:
        SomethingMissing: another program holds this folder's watch.
        EngineRefused, EngineUnreachable: the engine said no, or nothing.
        NotDone: the card's keys did not arrive, or it does not unlock.
    """
    if not world.watch.is_there:
        remark("there is no watch: putting one beside the phone")
        await world.watch.pair()
    flow = world.watch.flow
    assert flow is not None, "it was put there"
    known = _on_watch(flow, card)
    if known is None:
        remark(f"adding {card.network} ·{card.last4} to the watch")
        known = await world.watch.copy(card)
    await _until_held(world, flow, known)
    flow.wrist.put_on()
    if not flow.wrist.enter(PASSCODE) or not world.watch.take(WATCH):
        raise NotDone("the watch did not unlock")
    return known


def _on_watch(flow: WatchFlow, card: CardRecord) -> CardRecord | None:
    same = (card.network, card.last4)
    return next((each for each in flow.cards if (each.network, each.last4) == same), None)


async def _until_held(world: World, flow: WatchFlow, card: CardRecord) -> None:
    try:
        async with world.real_scheduler.deadline(ARRIVES_S):
            while not flow.holds(card.token_ref) or _on_watch(flow, card) is None:
                await world.real_scheduler.sleep(LOOK_AGAIN_S)
    except TimeoutError as late:
        raise NotDone("the card's keys did not arrive at the watch") from late
