"""Reads a scenario file: TOML in, a checked `Scenario` out, or one sentence about what is wrong.

Everything that can be known to be wrong without playing it is refused here, with the line and what
was probably meant: keys and words that do not exist, names of steps and faults that nothing bears,
expectations that contradict each other, sizes beyond reason. Faults are checked by the engine's
own reader of plans. The format is told in `assets/scenarios/README.md`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from typing import TypeAlias

from backend.api import BadRequest, check_fault
from lab.amounts import parse_amount
from lab.errors import WrongUse
from lab.scenarios.expected import read_wants
from lab.scenarios.fields import Fields, Source, meant
from lab.scenarios.model import (
    NETWORKS,
    WORLDS,
    Advance,
    ApplyFaults,
    ChangeCard,
    Expectation,
    ForceBreaker,
    KillEngine,
    PlannedFault,
    Provision,
    Scenario,
    Step,
    Tap,
    TillOffline,
    WaitFor,
)
from lab.scenarios.orders import ORDERS, read_order
from lab.scenarios.positions import Lines
from lab.scenarios.subjects import BREAKER_STATES, TAP_BOUNDS, TAP_WORDS
from lab.text_file import read_text_file

FILE_BYTES_MAX = 256 * 1024
STEPS_MAX = 500
FAULTS_MAX = 64
EXPECTATIONS_MAX = 500
NAME_MAX = 120
SEED_MAX = 2**63 - 1
SECONDS_MAX = 400 * 86_400.0
WAIT_MAX_S = 86_400.0
WAIT_USUAL_S = 60.0
PULL_APDU_MAX = 1_000
FAULT_OWN_KEYS = frozenset({"name", "during"})
PROFILES = ("instant", "lab")
_ReadStep: TypeAlias = Callable[[Fields, str, list[Step]], Step]


def load_file(path: FilePath) -> Scenario:
    """Read a scenario from a file.

    Raises:
        WrongUse: it cannot be read, or something in it is wrong.
    """
    return load_text(read_text_file(path, FILE_BYTES_MAX), str(path))


def load_text(text: str, name: str) -> Scenario:
    """Read a scenario.

    Args:
        text: the file's content.
        name: how complaints call the file.

    Raises:
        WrongUse: the first thing that is wrong, with its line.
    """
    if len(text.encode()) > FILE_BYTES_MAX:
        raise WrongUse(f"{name} is longer than {FILE_BYTES_MAX} bytes")
    try:
        body = tomllib.loads(text)
    except (ValueError, RecursionError) as fault:  # also a number longer than any
        raise WrongUse(f"{name} is no TOML: {fault}") from fault
    return _scenario(Fields(Source(name, Lines(text)), body, (), ""))


def _scenario(top: Fields) -> Scenario:
    scenario = Scenario(
        name=top.text("name", max_length=NAME_MAX),
        description=top.text("description", ""),
        seed=top.whole("seed", 0, SEED_MAX, 1),
        world=top.choice("world", WORLDS, "simulated"),
        profile=top.choice("profile", PROFILES, "instant"),
        cards=top.choices("cards", NETWORKS, ("visa",)),
    )
    steps, told = _steps(top)
    if not steps:
        top.wrong("", "there is no [[step]]: a scenario does something")
    faults = (*_faults(top, steps), *_pulls(top, steps))
    scenario = replace(scenario, steps=steps, faults=faults)
    _refuse_twins(top, scenario)
    _check_cards(top, scenario)
    names = {fault.name for fault in scenario.all_faults}
    expectations = [*told(names), *_expectations(top, steps, names)]
    if not any(expectation.wants for expectation in expectations):
        top.wrong("", "there is no [[expect]]: a scenario that nothing can fail shows nothing")
    top.done()
    return replace(scenario, expectations=tuple(expectations))


# -- steps ------------------------------------------------------------------------------------


def _steps(top: Fields) -> tuple[tuple[Step, ...], _Inline]:
    tables = top.tables("step", STEPS_MAX, _step_title)
    steps: list[Step] = []
    inline = _Inline()
    for number, fields in enumerate(tables, 1):
        name = fields.text("name", f"step {number}", max_length=NAME_MAX)
        if not name.strip():
            fields.wrong("name", "name is empty")
        if name in {step.name for step in steps}:
            fields.wrong("name", f"there is another step named {name!r}")
        step = _step(fields, name, steps)
        if isinstance(step, Tap) and not step.in_app:
            fields.has("pull_at_apdu")  # becomes a fault: see _pulls
        steps.append(step)
        if fields.has("expect"):
            inline.add(step, fields.table("expect", f"{fields.title}, expect"))
        fields.done()
    return tuple(steps), inline


class _Inline:
    """Expectations that stand with a step; read when every fault's name is known."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Step, Fields]] = []

    def add(self, step: Step, fields: Fields) -> None:
        self._waiting.append((step, fields))

    def __call__(self, faults: set[str]) -> list[Expectation]:
        return [
            Expectation(
                read_wants(fields, is_tap=isinstance(step, Tap), faults=faults),
                after=step.name,
                tap=step.name if isinstance(step, Tap) else "",
            )
            for step, fields in self._waiting
        ]


def _step(fields: Fields, name: str, earlier: list[Step]) -> Step:
    kind = fields.text("do")
    if kind not in _STEPS:
        fields.wrong("do", f"do {kind!r} is unknown; {meant(kind, _STEPS)}")
    return _STEPS[kind](fields, name, earlier)


def _change(change: str) -> _ReadStep:
    return lambda fields, name, _: ChangeCard(name, fields.choice("card", NETWORKS), change)


def _apply(fields: Fields, name: str, _earlier: list[Step]) -> Step:
    tables = fields.tables("faults", FAULTS_MAX, lambda number: f"{fields.title}, fault {number}")
    if not tables:
        fields.wrong("", "apply_faults needs faults = [{ link = …, effect = … }]")
    faults = [_fault(each, f"{name}: fault {number}") for number, each in enumerate(tables, 1)]
    return ApplyFaults(name, tuple(faults))


def _force(fields: Fields, name: str, _earlier: list[Step]) -> Step:
    network = fields.choice("network", NETWORKS)
    return ForceBreaker(name, network, fields.choice("state", ("open", "closed", "auto")))


def _tap(fields: Fields, name: str, _earlier: list[Step]) -> Step:
    amount = fields.raw("amount")
    if amount is None:
        fields.missing("amount", ': amount = "12.40"')
    if not isinstance(amount, str):
        fields.wrong("amount", 'amount is a text in quotes: amount = "12.40"')
    currency = fields.text("currency", "USD")
    try:
        amount_minor = parse_amount(amount, currency)
    except WrongUse as wrong:
        fields.wrong("amount", str(wrong))
    return Tap(
        name=name,
        amount_minor=amount_minor,
        currency=currency.upper(),
        card=fields.choice("card", NETWORKS, "visa"),
        background=fields.flag("background"),
    )


def _pay_in_app(fields: Fields, name: str, earlier: list[Step]) -> Step:
    step = _tap(fields, name, earlier)
    assert isinstance(step, Tap), "it was just read as one"
    if step.background:
        fields.wrong("background", "paying in an app has the whole phone: no background")
    return replace(step, in_app=True)


def _wait_for(fields: Fields, name: str, earlier: list[Step]) -> WaitFor:
    asked = [key for key in ("tap", "event", "breakers", "quiet", "uploaded") if fields.has(key)]
    if len(asked) != 1:
        fields.wrong("", "wait_for takes one of tap, event, breakers, quiet, uploaded")
    within_s = fields.number("within_s", 0.001, WAIT_MAX_S, WAIT_USUAL_S)
    match asked[0]:
        case "tap":
            known = [s.name for s in earlier if isinstance(s, Tap) and s.background]
            return WaitFor(name, within_s, tap=fields.choice("tap", known))
        case "event":
            return WaitFor(name, within_s, event=fields.text("event", max_length=NAME_MAX))
        case "breakers":
            table = fields.table("breakers", f"{fields.title}, breakers")
            for network in table.names():
                if network not in NETWORKS:
                    table.wrong(network, f"no network {network!r}; {meant(network, NETWORKS)}")
            states = {n: table.choice(n, BREAKER_STATES) for n in table.names()}
            return WaitFor(name, within_s, breakers=states)
        case until:
            if not fields.flag(until):
                fields.wrong(until, f"wait_for takes {until} = true")
            return WaitFor(name, within_s, quiet=until == "quiet", uploaded=until == "uploaded")


_STEPS: dict[str, _ReadStep] = {
    "tap": _tap,
    "pay_in_app": _pay_in_app,
    "provision": lambda fields, name, _: Provision(name, fields.choice("card", NETWORKS)),
    "suspend": _change("suspend"),
    "reactivate": _change("reactivate"),
    "remove_card": _change("remove"),
    "make_default": _change("make_default"),
    "advance": lambda fields, name, _: Advance(name, fields.number("seconds", 0.0, SECONDS_MAX)),
    "kill_engine": lambda _fields, name, _: KillEngine(name),
    "apply_faults": _apply,
    "reset_faults": lambda _fields, name, _: ApplyFaults(name, ()),
    "force_breaker": _force,
    "till_offline": lambda fields, name, _: TillOffline(
        name, fields.choice("mode", ("never", "when_down", "now"))
    ),
    **{what: read_order(what) for what in ORDERS},
    "wait_for": _wait_for,
}


# -- faults -----------------------------------------------------------------------------------


def _faults(top: Fields, steps: tuple[Step, ...]) -> tuple[PlannedFault, ...]:
    tables = top.tables("fault", FAULTS_MAX, lambda number: f"fault {number}")
    faults = []
    for number, fields in enumerate(tables, 1):
        during = fields.choices("during", [step.name for step in steps], ())
        faults.append(replace(_fault(fields, f"fault {number}"), during=during))
    return tuple(faults)


def _pulls(top: Fields, steps: tuple[Step, ...]) -> list[PlannedFault]:
    """Taps whose card is taken away at a command: a fault that is limited to them."""
    found = []
    for fields, step in zip(top.tables("step", STEPS_MAX, _step_title), steps, strict=True):
        if isinstance(step, Tap) and fields.has("pull_at_apdu"):
            body = {
                "link": "card",
                "effect": "pull",
                "at_apdu": fields.whole("pull_at_apdu", 1, PULL_APDU_MAX),
            }
            found.append(PlannedFault(f"{step.name}: card pulled", body, (step.name,)))
    return found


def _step_title(number: int) -> str:
    return f"step {number}"


def _fault(fields: Fields, usual_name: str) -> PlannedFault:
    name = fields.text("name", usual_name, max_length=NAME_MAX)
    body = {key: fields.raw(key) for key in fields.names() if key not in FAULT_OWN_KEYS}
    if "during" in fields.body and fields.path[0] != "fault":
        fields.wrong("during", "during belongs to a [[fault]]; this one begins with its step")
    try:
        check_fault(body)
    except BadRequest as refusal:
        key = (refusal.field or "").rpartition(".")[2]
        fields.wrong(key if key in body else "", _plainly(refusal, body))
    return PlannedFault(name, body)


def _plainly(refusal: BadRequest, body: Mapping[str, object]) -> str:
    """The engine's complaint about a fault, without the place it stood in, with a suggestion."""
    words = str(refusal).removeprefix("fault[0]: ").removeprefix("fault[0].")
    head, known, listed = words.partition("; known are ")
    if not known:
        return words
    key = (refusal.field or "").rpartition(".")[2]
    return f"{head}; {meant(str(body.get(key, '')), listed.split(', '))}"


# -- what must hold together --------------------------------------------------------------------


def _refuse_twins(top: Fields, scenario: Scenario) -> None:
    names = [fault.name for fault in scenario.all_faults]
    for place, fault in enumerate(scenario.faults):
        if names.count(fault.name) > 1:
            top.source.wrong(("fault", place, "name"), f"two faults are named {fault.name!r}")
    twins = {name for name in names if names.count(name) > 1}
    if twins:
        top.wrong("step", f"two faults are named {min(twins)!r}")


def _check_cards(top: Fields, scenario: Scenario) -> None:
    """A step about a card needs the phone to have it by then."""
    has = set(scenario.cards)
    for place, step in enumerate(scenario.steps):
        match step:
            case Provision(card=card):
                if card in has:
                    top.source.wrong(("step", place, "card"), f"{step.name}: the phone has {card}")
                has.add(card)
            case Tap(card=card) | ChangeCard(card=card):
                if card not in has:
                    top.source.wrong(
                        ("step", place, "card"),
                        f"{step.name}: the phone has no {card} card by then; "
                        f"add it to cards, or provision it first",
                    )
                if isinstance(step, ChangeCard) and step.change == "remove":
                    has.discard(card)
            case _:
                continue


def _expectations(top: Fields, steps: tuple[Step, ...], faults: Iterable[str]) -> list[Expectation]:
    found: list[Expectation] = []
    places = {step.name: place for place, step in enumerate(steps)}
    taps = [step.name for step in steps if isinstance(step, Tap)]
    for fields in top.tables("expect", EXPECTATIONS_MAX, lambda number: f"expect {number}"):
        after = fields.choice("after", places, "") if fields.has("after") else ""
        about = _about(fields, taps)
        if about and after and places[after] < places[about]:
            fields.wrong("after", f"{after!r} comes before the tap {about!r}")
        wants = read_wants(fields, is_tap=bool(about), faults=set(faults), also={"after", "tap"})
        if not wants:
            fields.wrong("", "nothing is expected here")
        expectation = Expectation(wants, after, about)
        _refuse_contradictions(fields, expectation, found)
        found.append(expectation)
    return found


def _about(fields: Fields, taps: list[str]) -> str:
    """The tap that an expectation is about; the only one when it does not say."""
    if fields.has("tap"):
        return fields.choice("tap", taps)
    if not any(key in fields.body for key in (*TAP_WORDS, *TAP_BOUNDS)):
        return ""
    if len(taps) != 1:
        fields.wrong("", 'say which tap: tap = "name of its step"')
    return taps[0]


def _refuse_contradictions(
    fields: Fields, expectation: Expectation, earlier: list[Expectation]
) -> None:
    """Two expectations about one thing at one moment that cannot both hold."""
    same = [e for e in earlier if (e.after, e.tap) == (expectation.after, expectation.tap)]
    for want in expectation.wants:
        for other in (w for e in same for w in e.wants if w.subject == want.subject):
            ours, theirs = want.accepted, other.accepted
            words_clash = ours.words and not set(ours.words) & set(theirs.words)
            low = max(ours.at_least or 0.0, theirs.at_least or 0.0)
            highs = [high for high in (ours.at_most, theirs.at_most) if high is not None]
            if words_clash or (not ours.words and highs and low > min(highs)):
                fields.wrong(
                    want.subject.partition(".")[0],
                    f"{want.subject} cannot be {ours} when another expectation wants {theirs}",
                )
