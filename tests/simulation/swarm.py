"""A laboratory under a mix of faults drawn from a seed, with crashes and jumps, then a quiet end.

Each seed has its own few kinds of faults with their own parameters (swarm testing: a mix of all
kinds at once would hide most of them behind the strongest). One seed is repeated with
`python -m tests.simulation.swarm SEED`.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from backend.api import SeededStream
from backend.faults.catalogue import KINDS, Code, OneOf, Terms, Whole
from backend.networks.numbers import NETWORKS
from lab.errors import EngineRefused, EngineUnreachable, NotDone
from lab.pos.machine import RESTING
from lab.simulation import SimulatedLab
from tests.simulation.cashier import Cashier
from tests.simulation.checkers import Broken, Checkers

TAPS = 40
TEMPLATE_SEED = 2**60
TEMPLATE_STARTS_AT_US = 1_789_000_000_000_000
TAP_LIMIT_S = 900.0
QUIET_ROUNDS = 12
QUIET_JUMPS_S = (120, 700, 4_000, 90_000)
AMOUNT_MAX = 9_000
FAVOURITE_SHARE = 0.85
"""Of a seed's taps that go over the network which the seed breaks."""
CURRENCIES = ("USD", "USD", "EUR", "JPY")
PAIRS = tuple(
    (kind, effect)
    for kind, effects in sorted(KINDS.items())
    for effect in sorted(effects)
    if kind != "webhooks"
)
BY_HAND = {
    ("latency", "ms"): (0, 40, 600, 2_500),
    ("slow", "ms"): (30, 400, 3_000),
    ("mute", "ms"): (30, 400),
    ("relay", "ms"): (8, 80, 400),
    ("reorder", "ms"): (50, 700),
    ("slow_close", "ms"): (50, 700),
    ("slicer", "ms"): (1, 60),
    ("slicer", "slice_bytes"): (1, 16, 90),
    ("late_answer", "ms"): (501, 2_000, 15_000, 29_999),
    ("bandwidth", "kb_s"): (1, 3, 40),
    ("limit_data", "bytes"): (0, 1, 60, 20_000, 60_000),
    ("answer_code", "code"): ("05", "51", "91", "96"),
}
JITTER_MS = (0, 0, 300)
APDUS = (1, 2, 3)
STATUS_WORDS = ("6F00", "6985", "6A82", "9001")


@dataclass
class Tally:
    """What was tried, over one seed or many."""

    seeds: int = 0
    taps: int = 0
    sales: Counter[str] = field(default_factory=Counter)
    fired: Counter[str] = field(default_factory=Counter)
    checks: int = 0
    commits: int = 0
    lab_s: float = 0.0

    def add(self, other: Tally) -> None:
        """Take another tally in."""
        self.seeds += other.seeds
        self.taps += other.taps
        self.sales.update(other.sales)
        self.fired.update(other.fired)
        self.checks += other.checks
        self.commits += other.commits
        self.lab_s += other.lab_s

    def __str__(self) -> str:
        return (
            f"{self.taps} taps on {self.seeds} seeds, {self.fired.total()} faults of "
            f"{len(self.fired)} kinds fired, {self.checks} times checked, {self.commits} commits, "
            f"{self.lab_s / 3600:.0f} h of lab time"
        )


class SeedFailed(AssertionError):
    """A seed found something; the text has the command that repeats it."""


def make_template(folder: Path) -> Path:
    """A laboratory with three cards, to be copied: migrating and provisioning cost the most."""
    with SimulatedLab(TEMPLATE_SEED, folder, starts_at_us=TEMPLATE_STARTS_AT_US) as lab:
        lab.run(lab.world.wallet.start_with_demo_cards())
    return folder


@contextlib.contextmanager
def workshop() -> Iterator[Path]:
    """A template in a folder for it and its copies: in memory, where the system has such."""
    in_memory = Path("/dev/shm")  # noqa: S108 - a folder of our own inside of it
    place = in_memory if in_memory.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place, prefix="taplab-swarm-") as folder:
        yield make_template(Path(folder) / "template")


def run_seeds(first: int, count: int, taps: int = TAPS) -> Tally:
    """Seeds one after the other, for one process.

    Raises:
        SeedFailed: the first that failed.
    """
    logging.disable(logging.CRITICAL)  # a broken disk is told often, and is meant
    total = Tally()
    with workshop() as template:
        for seed in range(first, first + count):
            total.add(run_seed(seed, template, taps=taps)[0])
    return total


def run_seed(seed: int, template: Path, *, taps: int = TAPS) -> tuple[Tally, str]:
    """One seed to its quiet end: what was tried, and the event log's hash.

    Raises:
        SeedFailed: something did not hold.
    """
    with tempfile.TemporaryDirectory(dir=template.parent, prefix=f"seed-{seed}-") as folder:
        shutil.copytree(template, folder, dirs_exist_ok=True)
        try:
            with SimulatedLab(seed, Path(folder)) as lab:
                return Swarm(seed, lab).run(taps), lab.event_log_sha256
        except Exception as failure:
            raise SeedFailed(
                f"seed {seed}: {failure!r}; repeat with: "
                f"python -m tests.simulation.swarm {seed} {taps}"
            ) from failure


class Swarm:
    """The hands that tap, break, jump and kill."""

    def __init__(self, seed: int, lab: SimulatedLab) -> None:
        self.lab, self.world = lab, lab.world
        self.dice = SeededStream(seed, "swarm")
        self.favourite = self.dice.choice(NETWORKS)
        self.checkers = Checkers(lab)
        self.cashier = Cashier(seed, lab)
        self.tally = Tally(seeds=1)
        # Every kind has its turn as the first of a seed's own; the others are drawn.
        own: list[tuple[str, str]] = [PAIRS[seed % len(PAIRS)]]
        own += [self.dice.choice(PAIRS) for _ in range(self.dice.randint(5, 11))]
        self.kinds = own
        self.crashes = self.dice.random() < 0.5

    def run(self, taps: int) -> Tally:
        """Everything, step after step; checked after each."""
        began_us = self.world.clock.now_us()
        while self.tally.taps < taps:
            self.lab.run(self._step())
            self.checkers.after_step()
        self._quiet_end()
        tally = self.tally
        for event in self.lab.events:
            if event.kind == "fault.fired":
                kind = str(event.data["link"])
                network, _, part = kind.partition(".")
                kind = part if network in NETWORKS else kind
                tally.fired[f"{kind} {event.data['effect']}"] += 1
        engine = self.lab.engine
        for moment, count in engine.commit_crashes.items():
            tally.fired[f"crash {moment} a commit"] = count
        tally.sales.update(self.cashier.orders)
        tally.checks, tally.commits = self.checkers.checks, self.lab.engine.commits
        tally.lab_s = (self.world.clock.now_us() - began_us) / 1e6
        return tally

    async def _step(self) -> None:
        await self.world.engine.ready()
        if self.tally.taps % 4 == 0 and self.dice.random() < 0.8:
            await self._break_something()
        if self.kinds[0][0] == "tsp":
            await self._change_cards()
        match self.dice.randint(1, 24):
            case 1 | 2:
                await self._jump(self.dice.choice([1, 40, 400, 3_700, 90_000]))
            case 3 | 4:
                await self.world.real_scheduler.sleep(self.dice.choice([0.1, 1.0, 7.0, 33.0]))
            case 5 | 6 if self.crashes:
                moment = self.dice.choice(("before", "after"))
                self.lab.engine.crash_at(self.dice.randint(1, 9), moment)
            case 7 if self.crashes:
                await self._tap_and_kill()
                return
            case 8 | 9 | 10 | 11:
                await self._change_cards()
            case 12 | 13 | 14:
                await self.world.wallet.refresh()
            case 15:
                network = self.dice.choice(NETWORKS)
                state = self.dice.choice(("open", "auto", "auto"))
                await self._try(self.world.client.force_breaker(network, state))
        await self._tap()
        await self.cashier.maybe()

    async def _tap(self) -> None:
        world, dice = self.world, self.dice
        self.tally.taps += 1
        cards = world.wallet.cards
        favoured = [card for card in cards if card.network == self.favourite] or cards
        cards = favoured if dice.random() < FAVOURITE_SHARE else cards
        card_id = dice.choice(cards).id if cards else ""
        amount, currency = dice.randint(1, AMOUNT_MAX), dice.choice(CURRENCIES)
        patience_s = dice.choice([0.0, 0.5, 3.0, 3.0])
        async with world.real_scheduler.deadline(TAP_LIMIT_S):
            sale = await world.hands.tap(amount, currency, card_id, patience_s=patience_s)
        if sale is None:
            self.tally.sales["not begun"] += 1
            world.wallet.close()
            return
        self.tally.sales[sale.phase.value] += 1
        if sale.answer is not None:
            self.checkers.told(sale.answer.payment_id, sale.answer.status)
        if world.pos.state.phase not in RESTING:
            raise Broken(f"the till is left {world.pos.state.phase}")

    async def _tap_and_kill(self) -> None:
        """Kill at a moment of a tap that no commit marks."""
        after_s = self.dice.choice([0.0, 0.0, 0.001, 0.02, 0.3, 0.6, 3.0])

        async def kill() -> None:
            await self.world.real_scheduler.sleep(after_s)
            self.tally.fired["crash at a moment"] += self.lab.engine.is_up
            self.lab.crash_engine()

        killing = self.world.real_scheduler.spawn(kill(), "killing")
        await self._tap()
        await killing

    async def _jump(self, seconds: float) -> None:
        self.tally.fired["clock jump"] += 1
        await self._try(self.world.client.move_clock({"jump_s": seconds}))

    async def _break_something(self) -> None:
        chosen = [self.dice.choice(self.kinds) for _ in range(self.dice.randint(4, 9))]
        faults: list[dict[str, object]] = []
        for kind, effect in dict.fromkeys([self.kinds[0], *chosen]):
            faults += self._faults(kind, effect)
        await self._try(self.world.client.put_faults(tuple(faults)))

    async def _change_cards(self) -> None:
        """Add, remove or prefer a card: what goes over the token services."""
        wallet, dice = self.world.wallet, self.dice
        cards = wallet.cards
        if len(cards) < len(NETWORKS) or dice.random() < 0.3:
            try:
                await wallet.start_with_demo_cards()
            except (EngineRefused, EngineUnreachable, NotDone):
                self.tally.sales["card not added"] += 1
        elif dice.random() < 0.6:
            await wallet.remove(dice.choice(cards).id)
        else:
            await wallet.set_default(dice.choice(cards).id)

    async def _try(self, request: object) -> None:
        try:
            await request
        except EngineUnreachable:
            self.tally.sales["lab request lost"] += 1

    def _faults(self, kind: str, effect: str) -> list[dict[str, object]]:
        """One fault of that kind; on all token services alike, for they are asked rarely."""
        dice = self.dice
        if kind in {"auth", "tsp", "issuer"}:
            link = f"{self.favourite}.{kind}"
        elif kind == "engine":
            link = dice.choice(("phone.engine", "pos.engine"))
        else:
            link = kind
        terms = KINDS[kind][effect]
        body: dict[str, object] = {"link": link, "effect": effect, **self._own(effect, terms)}
        if dice.random() < 0.5:
            body["probability"] = dice.choice((0.1, 0.3, 0.6, 0.9))
        elif dice.random() < 0.3:
            body["when"] = {"nth": dice.randint(1, 4)}
        if dice.random() < 0.2:
            body["to_s"] = dice.choice((5, 60, 600))
        if kind == "tsp":
            return [{**body, "link": f"{network}.tsp"} for network in NETWORKS]
        return [body]

    def _own(self, effect: str, terms: Terms) -> dict[str, object]:
        own: dict[str, object] = {}
        for key, allowed in terms.takes.items():
            if key not in terms.needs and self.dice.random() < 0.4:
                continue
            own[key] = self._value(effect, key, allowed)
        return own

    def _value(self, effect: str, key: str, allowed: Whole | OneOf | Code) -> object:
        if (effect, key) in BY_HAND:
            return self.dice.choice(BY_HAND[effect, key])
        match key, allowed:
            case "jitter_ms", _:
                return self.dice.choice(JITTER_MS)
            case "at_apdu", _:
                return self.dice.choice(APDUS)
            case "sw", _:
                return self.dice.choice(STATUS_WORDS)
            case _, OneOf():
                return self.dice.choice(allowed.values)
        raise AssertionError(f"no values for {key} of {effect}")

    # -- the quiet end ---------------------------------------------------------------------------

    def _quiet_end(self) -> None:
        """Faults off, breakers free, and time passes until nothing is open."""
        self.lab.run(self._switch_everything_off())
        self.lab.run(self.cashier.settle())
        for round_ in range(QUIET_ROUNDS):
            self.lab.run(self._let_time_pass(round_))
            self.checkers.after_step()
            if round_ > 2 and not self._open():
                break
        self.lab.run(self.world.wallet.refresh())
        self.lab.run(self.world.real_scheduler.sleep(3))
        self.checkers.at_the_quiet_end()

    async def _switch_everything_off(self) -> None:
        self.lab.engine.crash_never()
        await self.world.engine.ready()
        await self.world.client.reset_faults()
        for network in NETWORKS:
            await self.world.client.force_breaker(network, "auto")

    async def _let_time_pass(self, round_: int) -> None:
        await self.world.real_scheduler.sleep(35)
        await self.world.client.move_clock(
            {"jump_s": QUIET_JUMPS_S[min(round_, len(QUIET_JUMPS_S) - 1)]}
        )
        await self.world.real_scheduler.sleep(3)

    def _open(self) -> bool:
        return bool(
            self.checkers._engine(
                "SELECT 1 FROM payments WHERE state IN ('authorizing', 'unknown', 'reversing')"
                " UNION SELECT 1 FROM advices WHERE done_at_us IS NULL"
            )
        )


def main(arguments: list[str]) -> None:
    """Repeat one seed and say what it tried."""
    seed, taps = int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else TAPS
    with workshop() as template:
        tally, digest = run_seed(seed, template, taps=taps)
    sys.stdout.write(f"{tally}\n{dict(tally.sales)}\n{dict(tally.fired)}\n{digest}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
