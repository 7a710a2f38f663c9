"""`tap-lab scenario run|record|list`: stories with faults, played and judged without a window."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import re
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.bus import Bus
from lab.commands.engine_only import Engine, with_engine
from lab.commands.shared import (
    FAILED,
    SUCCESS,
    Subparsers,
    command,
    profile_option,
    remark,
    settings_of,
    write,
    write_json,
)
from lab.engine_stream import EventStream
from lab.errors import EngineUnreachable, WrongUse
from lab.resources import scenario_files
from lab.scenarios import hunt
from lab.scenarios.desk import RecordingDesk, Saved
from lab.scenarios.evidence import write_evidence
from lab.scenarios.junit import to_xml
from lab.scenarios.loader import load_file
from lab.scenarios.model import Scenario
from lab.scenarios.playing import play_once
from lab.scenarios.report import to_html
from lab.scenarios.result import Result, Verdict
from lab.scenarios.writer import to_toml
from lab.settings import Settings
from lab.words import tr

SEEDS_MAX = 100_000
LOOK_AGAIN_S = 0.2


def add(commands: Subparsers) -> None:
    """Add the commands to the parser."""
    top = commands.add_parser(
        "scenario",
        help="play, record or list scenarios",
        description="Stories with faults as files: played, judged, recorded.",
        epilog="example: tap-lab scenario run visa-silent --junit out.xml",
    )
    actions = top.add_subparsers(metavar="ACTION", required=True)
    _add_run(actions)
    record = command(
        actions,
        "record",
        "write down what happens on the running laboratory until Ctrl+C, as a scenario",
        "tap-lab scenario record outage.toml",
        _record,
    )
    record.add_argument("out", type=Path, metavar="OUT", help="the file to write, such as my.toml")
    profile_option(record)
    command(actions, "list", "list the scenarios that are shipped",
            "tap-lab scenario list", _list, alone=True)  # fmt: skip


def _add_run(actions: Subparsers) -> None:
    run = command(
        actions,
        "run",
        "play scenarios and judge them: exit 0 passed, 1 failed or invalid (a fault never fired)",
        "tap-lab scenario run visa-silent my.toml --junit out.xml --report out.html",
        _run,
    )
    add_to = run.add_argument
    add_to("files", nargs="+", metavar="FILE", help="a scenario's file, or a shipped one's name")
    add_to("--seeds", metavar="A..B", type=_seeds, help="play these seeds, simulated, until one "
           "fails")  # fmt: skip
    add_to("--shrink", action="store_true", help="reduce the fault plan of what fails, simulated, "
           "to the smallest that still does")  # fmt: skip
    add_to("--junit", type=Path, metavar="OUT.xml", help="one test case an expectation")
    add_to("--report", type=Path, metavar="OUT.html", help="one file that stands alone")
    add_to("--evidence", type=Path, metavar="DIR", help="a folder a run with all that was seen")


@dataclass(frozen=True, slots=True)
class _Played:
    """One file, played once or with many seeds."""

    file: str
    results: tuple[Result, ...]
    verdict: Verdict
    why: str
    seeds: range | None = None
    shrunk: hunt.Shrunk | None = None

    @property
    def last(self) -> Result:
        return self.results[-1]


def _run(chosen: argparse.Namespace) -> int:
    for out in (chosen.junit, chosen.report):
        if out is not None and not out.absolute().parent.is_dir():
            raise WrongUse(f"there is no folder {out.absolute().parent}")
    if chosen.seeds and chosen.seed is not None:
        raise WrongUse("either --seed N or --seeds A..B")
    scenarios = [(name, load_file(_path(name))) for name in chosen.files]
    is_guest = chosen.data_dir is not None or chosen.engine is not None
    guest_of = settings_of(chosen) if is_guest else None
    played = []
    for name, scenario in scenarios:
        played.append(_play(chosen, name, scenario, guest_of))
        if not chosen.json:
            _say(played[-1])
    results = [result for each in played for result in each.results]
    _write_files(chosen, results)
    if chosen.json:
        write_json(_document(played))
    return SUCCESS if all(each.verdict is Verdict.PASSED for each in played) else FAILED


def _play(
    chosen: argparse.Namespace, name: str, scenario: Scenario, guest_of: Settings | None
) -> _Played:
    results: tuple[Result, ...]
    if chosen.seeds is None:
        world = "simulated" if chosen.shrink else ""
        result = play_once(scenario, seed=chosen.seed, world=world, guest_of=guest_of)
        verdict, why, results = result.verdict, result.why, (result,)
    else:
        found = hunt.hunt(scenario, chosen.seeds, _simulated)
        result, results, verdict = found.results[-1], found.results, found.verdict
        never = f"never fired with any of the seeds: {', '.join(found.silent)}"
        why = never if verdict is Verdict.INVALID else result.why or _first_failure(result)
    shrunk = hunt.shrink(result, _simulated) if chosen.shrink and result.failed else None
    return _Played(name, results, verdict, why, chosen.seeds, shrunk)


def _simulated(scenario: Scenario, seed: int) -> Result:
    return play_once(scenario, seed=seed, world="simulated")


def _first_failure(result: Result) -> str:
    return "; ".join(f"{c.name}: expected {c.expected}, was {c.actual}" for c in result.failed[:1])


def _path(name: str) -> Path:
    """The file of that name, or the shipped scenario."""
    path = Path(name)
    if path.exists() or path.suffix or len(path.parts) > 1:
        return path
    shipped = {each.stem: each for each in scenario_files()}
    if name not in shipped:
        raise WrongUse(
            f"there is no file {name!r} and no shipped scenario of that name; shipped are "
            + ", ".join(shipped)
        )
    return shipped[name]


def _seeds(text: str) -> range:
    found = re.fullmatch(r"(\d{1,18})\.\.(\d{1,18})", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no range of seeds such as 1..200")
    first, last = int(found[1]), int(found[2])
    if last < first or last - first >= SEEDS_MAX:
        raise argparse.ArgumentTypeError(
            f"{text} is no range of 1 to {SEEDS_MAX} seeds, the smaller one first"
        )
    return range(first, last + 1)


# -- saying it ----------------------------------------------------------------------------------


def _say(played: _Played) -> None:
    last = played.last
    figures = f"{_counted(last.checks, 'expectation')}, {_counted(last.faults, 'fault')}"
    where = f"{last.world}, seed {last.seed}"
    if played.seeds is not None:
        where = f"{len(played.results)} seeds from {played.seeds.start}"
    write(f"{played.verdict.value:8}{last.scenario.name} ({where}; {figures})")
    if played.verdict is Verdict.PASSED:
        return
    for fault in last.silent_faults:
        write(f"    never fired: {fault.name} ({fault.link} {fault.effect})")
    for check in last.failed:
        write(f"    {check.name}: expected {check.expected}, was {check.actual}")
    if last.failed:
        write(f"    repeat: tap-lab scenario run {played.file} --seed {last.seed}")
    if played.shrunk is not None:
        write(_said_shrunk(played.shrunk))


def _counted(things: Sequence[object], noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"


def _said_shrunk(shrunk: hunt.Shrunk) -> str:
    faults = shrunk.scenario.all_faults
    head = f"smallest fault plan, found in {shrunk.runs} runs: {_counted(faults, 'fault')}"
    if not faults:
        head = f"it fails without any fault ({shrunk.runs} runs)"
    if not shrunk.complete:
        head += " (runs used up: there may be a smaller one)"
    return f"    {head}\n\n{to_toml(shrunk.scenario)}"


def _document(played: Sequence[_Played]) -> dict[str, object]:
    """What `--json` prints; with one file its result stands on top as well."""
    counts = {v.value: sum(each.verdict is v for each in played) for v in Verdict}
    scenarios = [_described(each) for each in played]
    verdict = next((v for v in (Verdict.FAILED, Verdict.INVALID) if counts[v.value]), None)
    alone = scenarios[0] if len(scenarios) == 1 else {}
    return {
        **alone,
        "result": (verdict or Verdict.PASSED).value,
        **counts,
        "scenarios": scenarios,
    }


def _described(played: _Played) -> dict[str, object]:
    document = played.last.to_json() | {
        "file": played.file,
        "result": played.verdict.value,
        "why": played.why,
    }
    if played.seeds is not None:
        failing = played.last.seed if played.verdict is Verdict.FAILED else None
        document["seeds"] = {
            "first": played.seeds.start,
            "last": played.seeds.stop - 1,
            "played": len(played.results),
            "first_failing": failing,
        }
    if played.shrunk is not None:
        shrunk = played.shrunk
        document["shrunk"] = {
            "faults": [{"name": f.name, **f.body} for f in shrunk.scenario.all_faults],
            "runs": shrunk.runs,
            "complete": shrunk.complete,
            "scenario": to_toml(shrunk.scenario),
        }
    return document


def _write_files(chosen: argparse.Namespace, results: Sequence[Result]) -> None:
    if chosen.junit is not None:
        _write_file(chosen.junit, to_xml(results))
    if chosen.report is not None:
        _write_file(chosen.report, to_html(results).encode())
    if chosen.evidence is not None:
        for result in results:
            remark(f"wrote {write_evidence(chosen.evidence, result)}")


def _write_file(out: Path, content: bytes) -> None:
    try:
        out.write_bytes(content)
    except OSError as fault:
        raise WrongUse(f"{out} cannot be written ({fault.strerror})") from fault
    remark(f"wrote {out}")


def _record(chosen: argparse.Namespace) -> int:
    """Hear everything that happens on the folder's engine; at Ctrl+C write it down."""
    out: Path = chosen.out if chosen.out.suffix else chosen.out.with_suffix(".toml")
    if not out.absolute().parent.is_dir():
        raise WrongUse(f"there is no folder {out.absolute().parent}")
    settings = settings_of(chosen)

    async def work(engine: Engine) -> Saved:
        desk = RecordingDesk(engine.client, Bus(), profile=settings.profile)
        stream = EventStream(lambda: engine.supervision.endpoint, engine.scheduler)
        engine.scheduler.spawn(_hear(stream, desk), "event stream")
        await stream.connected.wait()
        await desk.start()
        remark(f"recording to {out}: break something, tap, then press Ctrl+C")
        with _interrupted() as stop:
            while not stop.is_set():
                with contextlib.suppress(EngineUnreachable):  # killed: that is recorded, too
                    desk.looked(await engine.client.lab_state())
                with contextlib.suppress(TimeoutError):
                    async with engine.scheduler.deadline(LOOK_AGAIN_S):
                        await stop.wait()
        return await desk.stop(out)

    saved = with_engine(settings, work)
    if chosen.json:
        write_json({"recorded": str(saved.path), "steps": saved.steps})
    else:
        write(tr("recording.saved", steps=saved.steps, path=saved.path))
    return SUCCESS


async def _hear(stream: EventStream, desk: RecordingDesk) -> None:
    async for event in stream.listen():
        desk.heard(event)


@contextlib.contextmanager
def _interrupted() -> Iterator[asyncio.Event]:
    """An event that Ctrl+C (or a polite end from outside) sets, while this is entered."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    before = {
        number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _list(chosen: argparse.Namespace) -> int:
    shipped = [(path, load_file(path)) for path in scenario_files()]
    if chosen.json:
        write_json({"scenarios": [_listed(path, scenario) for path, scenario in shipped]})
        return SUCCESS
    for path, scenario in shipped:
        write(f"{path.stem:24} {scenario.name} ({scenario.world})")
    return SUCCESS


def _listed(path: Path, scenario: Scenario) -> dict[str, object]:
    return {
        "name": path.stem,
        "title": scenario.name,
        "world": scenario.world,
        "seed": scenario.seed,
        "file": str(path),
        "description": scenario.description,
    }
