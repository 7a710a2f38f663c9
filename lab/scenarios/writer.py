"""A scenario as the file that the loader reads back equal: for recordings and shrunken plans.

Knows the same keys as the loader, and writes none that says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

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
    OrderSale,
    PlannedFault,
    Provision,
    Scenario,
    Step,
    Tap,
    TillOffline,
    WaitFor,
)
from lab.scenarios.subjects import TAP_BOUNDS

Table = dict[str, object]
CHANGES = {"remove": "remove_card"}
_BARE = re.compile("[A-Za-z0-9_-]+")
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
    currencies = {step.name: step.currency for step in scenario.steps if isinstance(step, Tap)}
    inline = {each.after: each for each in scenario.expectations if each.after == each.tap != ""}
    apart = [each for each in scenario.expectations if each is not inline.get(each.after)]
    blocks = [
        *(
            _block("step", _step(step, inline.get(step.name), currencies))
            for step in scenario.steps
        ),
        *(_block("fault", _fault(fault)) for fault in scenario.faults),
        *(_block("expect", _expectation(each)) for each in apart),
    ]
    return "\n".join([tomli_w.dumps(head, multiline_strings=True), *blocks])


def _block(name: str, table: Table) -> str:
    """One table of an array, with everything inside it on one line a key."""
    lines = [f"{_key(key)} = {_inline(value)}" for key, value in table.items()]
    return "\n".join([f"[[{name}]]", *lines, ""])


def _inline(value: object) -> str:
    """A value on one line (TOML 1.0, Inline Table)."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{_key(str(key))} = {_inline(each)}" for key, each in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list):
        return f"[{', '.join(_inline(each) for each in value)}]"
    return tomli_w.dumps({"x": value}).removeprefix("x = ").rstrip("\n")


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else tomli_w.dumps({name: 0}).rpartition(" = ")[0]


def _step(step: Step, expected: Expectation | None, currencies: Mapping[str, str]) -> Table:
    table = {"name": step.name, **_doing(step, currencies)}
    return table if expected is None else table | {"expect": _wanted(expected)}


def _doing(  # noqa: C901, PLR0911 -- one return a kind of step
    step: Step, currencies: Mapping[str, str]
) -> Table:
    match step:
        case Tap():
            amount = format_decimal(step.amount_minor, step.currency)
            deed = "pay_in_app" if step.in_app else "tap"
            tap: Table = {"do": deed, "amount": amount, "currency": step.currency}
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
            broken: Table = {"do": "apply_faults", "faults": [_fault(fault) for fault in faults]}
            return broken if faults else {"do": "reset_faults"}
        case ForceBreaker(network=network, state=state):
            return {"do": "force_breaker", "network": network, "state": state}
        case TillOffline(mode=mode):
            return {"do": "till_offline", "mode": mode}
        case OrderSale():
            return {"do": step.what, **_ordered(step, currencies[step.tap])}
        case WaitFor():
            return {"do": "wait_for", **_awaited(step), "within_s": step.within_s}


def _ordered(step: OrderSale, currency: str) -> Table:
    amount: Table = {}
    if step.amount_minor:
        amount = {"amount": format_decimal(step.amount_minor, currency)}
    return {"tap": step.tap} | amount | ({} if step.ends == "done" else {"ends": step.ends})


def _awaited(step: WaitFor) -> Table:
    if step.tap:
        return {"tap": step.tap}
    if step.event:
        return {"event": step.event}
    if step.uploaded:
        return {"uploaded": True}
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
    return table | _wanted(expectation)


def _wanted(expectation: Expectation) -> Table:
    table: Table = {}
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
