"""The report of a run: one HTML file that stands alone, light or dark, and prints.

What was not normal stands at its head, then what was expected and found, what phone, till and bank
believed, the story moment by moment, and how long each tap took. Made from the run's result alone;
every text in it is escaped, since names come from files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from lab.amounts import format_amount
from lab.resources import scenario_asset
from lab.scenarios.result import Result, TapTaken
from lab.scenarios.story import STORY_ROWS_MAX, Moment, story_of
from lab.scenarios.subjects import LATENCY_PARTS
from lab.words import tr

BUDGET_MS = 500.0
MARKS = {True: '<span class="ok">●</span>', False: '<span class="not">■</span>'}


def to_html(results: Sequence[Result]) -> str:
    """The whole document, one part a run."""
    first = results[0]
    title = first.scenario.name if len(results) == 1 else tr("scenario.many", n=len(results))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n"
        f"<style>\n{scenario_asset('report.css')}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(_part(result) for result in results)
        + f"\n<footer>{escape(tr('scenario.foot'))}</footer>\n</main>\n</body>\n</html>\n"
    )


def _part(result: Result) -> str:
    sections = (
        ("scenario.checks", _checks),
        ("scenario.taps", _taps),
        ("scenario.story", _story),
        ("scenario.latency", _latency),
        ("scenario.faults", _faults),
        ("scenario.ledger", _ledger),
        ("scenario.verify", _verify),
    )
    told = "\n".join(_section(key, tell_part(result)) for key, tell_part in sections)
    return f"<article>\n{_head(result)}\n{told}\n</article>"


def _head(result: Result) -> str:
    verdict = result.verdict.value
    lab_s = sum(step.took_us for step in result.steps) / 1e6
    facts = tr(
        "scenario.head",
        world=result.world,
        seed=result.seed,
        steps=len(result.steps),
        lab_s=f"{lab_s:.1f}",
    )
    means = tr(f"scenario.{verdict}.means", **({"why": result.why} if result.why else {}))
    hashed = result.event_log_sha256
    return "".join(
        (
            "<header>",
            f"<h1>{escape(result.scenario.name)}</h1>",
            _paragraphs(result.scenario.description),
            f'<p class="dim">{escape(facts)}</p>',
            f'<p class="verdict {verdict}">{escape(tr(f"scenario.{verdict}"))}</p>',
            f"<p>{escape(means)}</p>",
            f'<p class="dim">{tr("scenario.hash")} <code>{hashed}</code></p>' if hashed else "",
            _deviations(result),
            "</header>",
        )
    )


def _deviations(result: Result) -> str:
    listed = "".join(f"<li>{escape(words)}</li>" for words in result.deviations)
    inside = f"<ul>{listed}</ul>" if listed else f"<p>{escape(tr('scenario.deviations.none'))}</p>"
    heading = escape(tr("scenario.deviations"))
    return f'<div class="deviations"><h2>{heading}</h2>{inside}</div>'


def _paragraphs(text: str) -> str:
    parts = [part.strip() for part in text.split("\n\n") if part.strip()]
    return "".join(f"<p>{escape(part)}</p>" for part in parts)


def _section(key: str, inside: str) -> str:
    return f"<section><h2>{escape(tr(key))}</h2>{inside}</section>"


def _table(
    key: str, rows: Iterable[Sequence[str]], *, numbers: frozenset[int] = frozenset()
) -> str:
    """A table; the cells of `rows` are HTML already."""

    def cells(tag: str, values: Sequence[str]) -> str:
        return "".join(
            f'<{tag} class="number">{value}</{tag}>' if at in numbers else f"<{tag}>{value}</{tag}>"
            for at, value in enumerate(values)
        )

    heading = cells("th", [escape(column) for column in tr(key).split("|")])
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{heading}</tr></thead><tbody>{body}</tbody></table>"


def _checks(result: Result) -> str:
    rows = [
        (MARKS[check.ok], escape(check.name), escape(check.expected), escape(check.actual))
        for check in result.checks
    ]
    return _table("scenario.checks.columns", rows)


def _taps(result: Result) -> str:
    if not result.taps:
        return f"<p>{escape(tr('scenario.taps.none'))}</p>"
    rows = [
        tuple(
            escape(value)
            for value in (
                tap.step,
                format_amount(tap.amount_minor, tap.currency),
                tap.outcome,
                tap.response_code,
                tap.phone,
                tap.till,
                tap.bank,
                tap.payment,
            )
        )
        for tap in result.taps
    ]
    return _table("scenario.taps.columns", rows)


def _story(result: Result) -> str:
    moments = story_of(result)
    began_us = moments[0].at_us if moments else 0
    rows = [_moment(moment, began_us) for moment in moments[:STORY_ROWS_MAX]]
    left = len(moments) - len(rows)
    cut = f'<p class="dim">{escape(tr("scenario.story.cut", left=left))}</p>' if left else ""
    return _table("scenario.story.columns", rows) + cut


def _moment(moment: Moment, began_us: int) -> tuple[str, ...]:
    lanes = ("we", "phone", "till", "bank")
    words = escape(moment.words)
    said = f'<span class="ours">{words}</span>' if moment.lane == "we" else words
    at = f'<span class="code">+{(moment.at_us - began_us) / 1e6:.3f}</span>'
    return (at, *(said if lane == moment.lane else "" for lane in lanes))


def _latency(result: Result) -> str:
    timed = [tap for tap in result.taps if "total" in tap.latency_ms]
    if not timed:
        return f"<p>{escape(tr('scenario.taps.none'))}</p>"
    longest = max(BUDGET_MS, *(tap.latency_ms["total"] for tap in timed))
    rows = [_latency_row(tap, longest) for tap in timed]
    return _table("scenario.latency.columns", rows, numbers=frozenset(range(2, 8)))


def _latency_row(tap: TapTaken, longest_ms: float) -> tuple[str, ...]:
    width = 100 * tap.latency_ms["total"] / longest_ms
    budget = 100 * BUDGET_MS / longest_ms
    bar = (
        f'<div class="bar"><span style="width:{width:.1f}%"></span>'
        f'<i style="left:calc({budget:.1f}% - 2px)"></i></div>'
    )
    parts = (tap.latency_ms.get(part) for part in LATENCY_PARTS)
    return (
        escape(tap.step),
        bar,
        *("" if ms is None else f"{ms:.1f} ms" for ms in parts),
    )


def _faults(result: Result) -> str:
    if not result.faults:
        return f"<p>{escape(tr('scenario.faults.none'))}</p>"
    rows = [(escape(f.name), escape(f.link), escape(f.effect), str(f.fired)) for f in result.faults]
    return _table("scenario.faults.columns", rows, numbers=frozenset({3}))


def _ledger(result: Result) -> str:
    rows = [
        (
            f"<code>{escape(account)}</code>",
            escape(currency),
            escape(format_signed(minor, currency)),
        )
        for account, currency, minor in result.ledger
    ]
    return _table("scenario.ledger.columns", rows, numbers=frozenset({2}))


def format_signed(amount_minor: int, currency: str) -> str:
    """A balance with its sign."""
    sign = "\N{MINUS SIGN}" if amount_minor < 0 else ""
    return sign + format_amount(abs(amount_minor), currency)


def _verify(result: Result) -> str:
    rows = [(MARKS[each.ok], escape(each.name), escape(each.detail)) for each in result.invariants]
    return _table("scenario.verify.columns", rows)
