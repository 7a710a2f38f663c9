"""Plays a scenario on a stage and judges what came out.

Theory of operation. Steps are taken in order. Before each the fault line writes the board. After
each the run waits until everybody was told what is already decided, and then judges on one picture
of the laboratory what is expected after that step. A step that cannot be done fails the scenario
and ends it, since whatever follows would be another story. At the end the board is empty again, no
breaker is forced, and the stores must hold every invariant, whether or not the scenario says so.

Knows no file format, and nothing of windows.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field

from backend.api import verify
from lab.errors import EngineRefused, EngineUnreachable, NotDone
from lab.scenarios.doing import Doer
from lab.scenarios.fault_line import FaultLine
from lab.scenarios.model import Advance, KillEngine, Scenario, Step, WaitFor
from lab.scenarios.observation import balances_of, judge
from lab.scenarios.result import Check, Invariant, Result, StepTaken
from lab.scenarios.seeing import Watcher
from lab.scenarios.stage import Stage

STEP_LIMIT_S = 120.0


async def play(scenario: Scenario, stage: Stage, seed: int) -> Result:
    """Play a scenario to its end.

    Args:
        scenario: the story.
        stage: a world that is ready; its own faults are off meanwhile.
        seed: of the world, and of the faults' dice.

    Raises:
        EngineUnreachable: the laboratory went away and did not come back.
        NotDone, EngineRefused: the scenario's cards cannot be had.
    """
    run = _Run(scenario, stage, seed)
    try:
        await run.prepare()
        await run.tell_story()
    finally:
        await run.doer.give_up()
        await run.line.end()
    await run.close()
    return run.result()


@dataclass(slots=True)
class _Run:
    """One playing of one scenario."""

    scenario: Scenario
    stage: Stage
    seed: int
    watcher: Watcher = field(init=False)
    doer: Doer = field(init=False)
    line: FaultLine = field(init=False)
    checks: list[Check] = field(default_factory=list)
    steps: list[StepTaken] = field(default_factory=list)
    invariants: tuple[Invariant, ...] = ()
    ledger: tuple[tuple[str, str, int], ...] = ()
    traces: tuple[tuple[str, str], ...] = ()
    first_event: int = 0

    def __post_init__(self) -> None:
        world = self.stage.world
        self.watcher = Watcher(self.stage)
        self.doer = Doer(self.stage, self.watcher)
        self.line = FaultLine(self.scenario.faults, world.client, world.clock, self.seed)
        self.doer.before_kill = self._count
        self.doer.after_kill = self.line.engine_is_back

    async def _count(self) -> None:
        """What the laboratory's own links have done must have reached the board first."""
        await self.stage.world.forwarding.flush()
        await self.line.count()

    async def prepare(self) -> None:
        """The phone gets its cards; what there is already is noted."""
        for network in self.scenario.cards:
            if self.doer.card_id(network) is None:
                await self.doer.provision(network)
        await self.watcher.begin()
        await self.line.begin()
        self.first_event = len(self.stage.events)
        self.stage.world.log.emit(
            "scenario.started", actor="person", data={"name": self.scenario.name}
        )

    async def tell_story(self) -> None:
        """Every step with what is expected after it, then what is expected at the end."""
        for step in self.scenario.steps:
            if not await self._take(step):
                return
            await self._judge(step.name)
        if await self._tried("the taps in the background", self.doer.finish()):
            await self.watcher.everybody_told()
            await self._judge("")

    async def _take(self, step: Step) -> bool:
        """Take one step. False when it could not be done."""
        clock = self.stage.world.clock
        await self.line.entering(step)
        await self.watcher.look()
        began_us = clock.now_us()
        self.stage.world.log.emit(
            "scenario.step", actor="person", data={"name": step.name, "does": step.does}
        )
        done = await self._tried(f"step {step.name!r}", self._limited(step), after=step.name)
        problem = "" if done else self.checks[-1].actual
        await self.watcher.everybody_told()
        await self.watcher.look()
        if isinstance(step, Advance | KillEngine):
            self.watcher.deviating.setdefault(step.does)
        took_us = clock.now_us() - began_us
        self.steps.append(StepTaken(step.name, step.does, began_us, took_us, problem))
        return done

    async def _limited(self, step: Step) -> None:
        """A step with an end to patience; virtual time has to be waited for, too."""
        limit_s = STEP_LIMIT_S
        if isinstance(step, WaitFor):
            limit_s += step.within_s
        elif isinstance(step, Advance):
            limit_s += step.seconds
        async with self.stage.world.real_scheduler.deadline(limit_s):
            await self.doer.do(step)

    async def _tried(
        self, what: str, work: Coroutine[object, object, None], *, after: str = ""
    ) -> bool:
        """Do it; a failure becomes a check that does not hold."""
        try:
            await work
        except TimeoutError:
            problem = "it did not end"
        except (NotDone, EngineRefused, EngineUnreachable) as fault:
            problem = str(fault)
        else:
            return True
        self.checks.append(Check(what, after, "", "done", problem, ok=False))
        return False

    async def _judge(self, after: str) -> None:
        due = [each for each in self.scenario.expectations if each.after == after]
        if due or not after:
            seen = await self.watcher.observe(self.doer.taps, self.line)
            self.doer.taps.update(seen.taps)
            for expectation in due:
                self.checks += judge(expectation, seen)

    async def close(self) -> None:
        """What the stores and the ledger say in the end."""
        world = self.stage.world
        await world.forwarding.flush()
        seen = await self.watcher.observe(self.doer.taps, self.line)
        self.doer.taps.update(seen.taps)
        self.ledger = tuple(
            (account, currency, minor)
            for (account, currency), minor in sorted(
                balances_of(await world.client.ledger()).items()
            )
        )
        report = verify(world.settings.data_dir)
        self.invariants = tuple(
            Invariant(check["name"], check["ok"], check["detail"]) for check in report["checks"]
        )
        broken = [each for each in self.invariants if not each.ok]
        said = "; ".join(f"{each.name}: {each.detail}" for each in broken) or "held"
        self.checks.append(Check("invariants of the stores", "", "", "held", said, ok=not broken))

        kept = {tap.tap_id for tap in self.doer.taps.values() if tap.tap_id}
        self.traces = tuple(
            (path.name, path.read_text(encoding="utf-8"))
            for path in sorted(world.settings.traces_dir.glob("*.apdu"))
            if path.stem in kept
        )

    def result(self) -> Result:
        """Everything, as a value."""
        return Result(
            scenario=self.scenario,
            seed=self.seed,
            world=self.stage.kind,
            checks=tuple(self.checks),
            faults=self.line.counts(self.scenario.all_faults),
            steps=tuple(self.steps),
            taps=tuple(self.doer.taps.values()),
            deviations=tuple(self.watcher.deviating),
            invariants=self.invariants,
            ledger=self.ledger,
            event_log_sha256=self.stage.event_log_sha256,
            events=tuple(self.stage.events[self.first_event :]),
            traces=self.traces,
        )
