"""Sentences of scenarios: the report's, the command's and the recorder's: key → (plain, field)."""

from __future__ import annotations


def _same(text: str) -> tuple[str, str]:
    return (text, text)


WORDS: dict[str, tuple[str, str]] = {
    "scenario.passed": _same("Passed"),
    "scenario.failed": _same("Failed"),
    "scenario.invalid": _same("Invalid"),
    "scenario.passed.means": _same(
        "Everything that was expected was found, and every fault fired."
    ),
    "scenario.failed.means": _same("Something was not as expected: {why}."),
    "scenario.invalid.means": _same(
        "What was to be shown was not tried, so the rest says nothing: {why}."
    ),
    "scenario.head": _same("{world} world, seed {seed}, {steps} steps, {lab_s} s of lab time"),
    "scenario.hash": _same("Event log SHA-256"),
    "scenario.deviations": ("Not normal in this run", "Deviations"),
    "scenario.deviations.none": _same("Nothing was broken, forced or moved."),
    "scenario.checks": _same("What was expected, and what was found"),
    "scenario.checks.columns": _same("|Expectation|Expected|Found"),
    "scenario.taps": ("What phone, till and bank believed", "Beliefs at the end"),
    "scenario.taps.columns": (
        "Tap|Amount|Outcome|Code|Phone|Till|Bank|Payment",
        "Tap|Amount|Outcome|DE 39|Phone|Till|Bank|State",
    ),
    "scenario.taps.none": _same("No tap was made."),
    "scenario.story": _same("The story, moment by moment"),
    "scenario.story.columns": _same("Lab time|We|Phone|Till|Bank and networks"),
    "scenario.story.cut": _same("{left} more are in the event log."),
    "scenario.latency": ("How long each tap took", "Latency, against 500 ms"),
    "scenario.latency.columns": _same("Tap||Total|Reader|Engine|Network|Issuer|Database"),
    "scenario.faults": _same("Faults"),
    "scenario.faults.columns": _same("Name|Link|Effect|Fired"),
    "scenario.faults.none": _same("The scenario breaks nothing."),
    "scenario.verify": ("What the stores say", "Invariants"),
    "scenario.verify.columns": _same("|Invariant|Detail"),
    "scenario.ledger": _same("Ledger"),
    "scenario.ledger.columns": _same("Account|Currency|Balance"),
    "scenario.many": _same("{n} runs"),
    "scenario.foot": _same("Tap Lab. A laboratory's networks and test keys; no money moved."),
    "scenario.said.phone": _same("shows “{belief}”"),
    "scenario.said.till": _same("shows “{belief}”"),
    "scenario.said.step": _same("{does}"),
    "scenario.said.fired": _same("{link} {effect} fired"),
    "scenario.said.breaker": ("{name}: {was} → {to}", "breaker {name}: {was} → {to}"),
    "scenario.said.sent": _same("{message} to {network}"),
    "scenario.said.received": _same("{message} from {network}"),
    "recording.name": _same("Recorded on {date}"),
    "recording.begun": _same("Recording. Break something, tap, then stop."),
    "recording.saved": _same("Saved {steps} steps as {path}"),
    "recording.nothing": _same("Nothing happened while it recorded, so there is nothing to save."),
}
