"""A scenario as the file that the loader reads back equal: for recordings and shrunken plans.

Knows the same keys as the loader, and writes none that says nothing.
"""

from __future__ import annotations

import tomli_w

from lab.amounts import format_decimal
from lab.scenarios.model import (
    Accepted,
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
    WaitFor,
)
from lab.scenarios.subjects import TAP_BOUNDS

Table = dict[str, object]
CHANGES = {"remove": "remove_card"}
USUAL_CARDS = ("visa",)
DEEP_SECTIONS = frozenset({"balances"})


def to_toml(scenario: Scenario) -> str:
    """The file's text."""
    head: Table = {"name": scenario.name}
    if scenario.description:
        head["description"] = scenario.description
    head |= {"seed": scenario.seed, "world": scenario.world}
    if scenario.profile != "instant":
        head["profile"] = scenario.profile
    if scenario.cards != USUAL_CARDS:
        head["cards"] = list(scenario.cards)
    blocks = [
        ("step", [_step(step) for step in scenario.steps]),
        ("fault", [_fault(fault) for fault in scenario.faults]),
        ("expect", [_expectation(each) for each in scenario.expectations]),
    ]
    return tomli_w.dumps(
        head | {name: tables for name, tables in blocks if tables}, multiline_strings=True
    )


def _step(step: Step) -> Table:
    return {"name": step.name, **_doing(step)}


def _doing(step: Step) -> Table:  # noqa: PLR0911 -- one return a kind of step
    match step:
        case Tap():
            amount = format_decimal(step.amount_minor, step.currency)
            tap: Table = {"do": "tap", "amount": amount, "currency": step.currency}
            return tap | {"card": step.card} | ({"background": True} if step.background else {})
        case Provision(card=card):
            return {"do": "provision", "card": card}
        case ChangeCard(card=card, change=change):
            return {"do": CHANGES.get(change, change), "card": card}
        case Advance(seconds=seconds):
            return {"do": "advance", "seconds": seconds}
        case KillEngine():
            return {"do": "kill_engine"}
        case ApplyFaults(faults=faults):
            if not faults:
                return {"do": "reset_faults"}
            return {"do": "apply_faults", "faults": [_fault(fault) for fault in faults]}
        case ForceBreaker(network=network, state=state):
            return {"do": "force_breaker", "network": network, "state": state}
        case WaitFor():
            return {"do": "wait_for", **_awaited(step), "within_s": step.within_s}


def _awaited(step: WaitFor) -> Table:
    if step.tap:
        return {"tap": step.tap}
    if step.event:
        return {"event": step.event}
    return {"breakers": dict(step.breakers)} if step.breakers else {"quiet": True}


def _fault(fault: PlannedFault) -> Table:
    table: Table = {"name": fault.name, **fault.body}
    if fault.during:
        table["during"] = list(fault.during)
    return table


def _expectation(expectation: Expectation) -> Table:
    table: Table = {}
    if expectation.tap:
        table["tap"] = expectation.tap
    if expectation.after:
        table["after"] = expectation.after
    for want in expectation.wants:
        head, _, rest = want.subject.partition(".")
        keys = rest.split(".", 1) if head in DEEP_SECTIONS else [rest] if rest else []
        at = table
        for key in [head, *keys][:-1]:
            inner = at.setdefault(key, {})
            assert isinstance(inner, dict)
            at = inner
        at[[head, *keys][-1]] = _accepted(want.accepted, bound=head in TAP_BOUNDS)
    return table


def _accepted(accepted: Accepted, *, bound: bool) -> object:
    if accepted.words:
        return accepted.words[0] if len(accepted.words) == 1 else list(accepted.words)
    if bound:
        return accepted.at_most
    if accepted.at_least == accepted.at_most:
        return None if accepted.at_least is None else int(accepted.at_least)
    bounds = {"at_least": accepted.at_least, "at_most": accepted.at_most}
    return {name: int(value) for name, value in bounds.items() if value is not None}
