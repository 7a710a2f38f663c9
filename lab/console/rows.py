"""From the engine's JSON to the console's rows: payments, their lives, the chart's series."""

from __future__ import annotations

from collections.abc import Mapping

from backend.api import Event, event_from_json
from lab.amounts import format_amount
from lab.clock_text import time_of_day
from lab.console.merchant_view import merchant_view
from lab.console.state import (
    FaultSpan,
    Hop,
    LatencyBucket,
    LatencyPoint,
    LatencySeries,
    LedgerLine,
    NetworkTile,
    PaymentDetail,
    PaymentRow,
)
from lab.engine_shapes import BreakerRecord, PaymentRecord
from lab.json_fields import (
    Json,
    number,
    number_or_none,
    objects,
    section,
    text,
    text_or_none,
    whole,
)
from lab.pos.display import network_name, refusal
from lab.words import Message, tell

_KINDS = {
    "approved": "good",
    "captured": "good",
    "part_refunded": "neutral",
    "refunded": "neutral",
    "declined": "bad",
    "not_sent": "bad",
    "reversed": "neutral",
}


def payment_row(record: PaymentRecord) -> PaymentRow:
    """One line of the payments table."""
    return PaymentRow(
        id=record.id,
        tap_id=record.tap_id,
        at_us=record.created_at_us,
        time_text=time_of_day(record.created_at_us),
        amount_text=format_amount(record.amount_minor, record.currency),
        card_text=f"{network_name(record.network)} ·{record.last4}",
        network=record.network,
        state=record.shown,
        outcome=Message(f"payment.{record.shown}", _KINDS.get(record.shown, "waiting")),
        phone=record.phone,
        till=record.till,
        bank=record.bank,
        synthetic=record.synthetic,
    )


def payment_detail(body: Json, observed: tuple[Event, ...]) -> PaymentDetail:
    """The life of one payment: the engine's events and what this process saw of the same tap.

    Args:
        body: the answer of `GET /lab/payments/{id}`.
        observed: this process's events; those of the tap that the engine lacks are added.
    """
    record = PaymentRecord.from_json(body)
    events = {event.id: event for event in map(event_from_json, objects(body, "events"))}
    for event in observed:
        if record.tap_id and event.tap_id == record.tap_id:
            events.setdefault(event.id, event)
    ordered = sorted(events.values(), key=lambda e: (e.real_time_us, e.lab_time_us, e.seq))
    entries = objects(body, "entries")
    engine_hops = {
        text(hop, "name"): round(number(hop, "duration_us")) for hop in objects(body, "hops")
    }
    return PaymentDetail(
        row=payment_row(record),
        facts=_facts(record),
        events=tuple(ordered),
        hops=hops(engine_hops, *_seen_at_the_till(ordered)),
        entries=tuple(
            LedgerLine(
                account=text(entry, "account"),
                direction=text(entry, "direction"),
                amount_text=format_amount(whole(entry, "amount_minor"), text(entry, "currency")),
                sentence=text(entry, "sentence", ""),
            )
            for entry in entries
        ),
        sum_text=_sum_text(entries),
        merchant_saw=merchant_view(ordered),
    )


HOPS = ("engine", "database", "network", "issuer")


def hops(parts_us: Mapping[str, int], reader_us: int, total_us: int) -> tuple[Hop, ...]:
    """Where a tap's time went: card and reader, the till and its way, then the engine's parts.

    Args:
        parts_us: the engine's parts by name.
        reader_us: what card and reader took; 0 when the till was not ours.
        total_us: from the card in the field to the result; 0 when the till was not ours.
    """
    inside = tuple(Hop(f"hop.{name}", parts_us.get(name, 0)) for name in HOPS)
    if not total_us:
        return tuple(hop for hop in inside if hop.duration_us)
    rest_us = max(0, total_us - reader_us - sum(hop.duration_us for hop in inside))
    return (Hop("hop.reader", reader_us), Hop("hop.till", rest_us), *inside)


def _seen_at_the_till(events: list[Event]) -> tuple[int, int]:
    """The reader's and the whole time, as the till said when it first showed a result."""
    reader_us = total_us = 0
    for event in events:
        if event.kind == "tap.outcome":
            reader_us = whole(event.data, "reader_us", 0)
        elif event.kind == "till.showed" and not total_us:
            total_us = whole(event.data, "total_us", 0)
    return reader_us, total_us


def _facts(record: PaymentRecord) -> tuple[tuple[str, str], ...]:
    facts = (
        ("Merchant", record.merchant_name),
        ("Terminal", record.terminal_id),
        ("Card", f"{network_name(record.network)} ·{record.last4}"),
        ("Counter (ATC)", str(record.atc)),
        ("Auth code", record.auth_code),
        ("Response code", record.response_code),
        ("Reason", _reason(record)),
        ("Captured", _money(record.captured_minor, record.currency)),
        ("Refunded", _money(record.refunded_minor, record.currency)),
        ("Payment", record.id),
        ("Tap", record.tap_id),
    )
    return tuple((name, value) for name, value in facts if value)


def _money(amount_minor: int, currency: str) -> str:
    return format_amount(amount_minor, currency) if amount_minor else ""


def _reason(record: PaymentRecord) -> str:
    """Why it was not approved, in the till's words."""
    if not record.reason or record.state in {"approved", "captured"}:
        return ""
    return tell(refusal(record.reason, record.steered, record.network, record.response_code))


def _sum_text(entries: tuple[Json, ...]) -> str:
    """Debits minus credits by currency: it must read as zero."""
    sums: dict[str, int] = {}
    for entry in entries:
        sign = 1 if text(entry, "direction") == "debit" else -1
        currency = text(entry, "currency")
        sums[currency] = sums.get(currency, 0) + sign * whole(entry, "amount_minor")
    return ", ".join(
        ("-" if total < 0 else "") + format_amount(abs(total), currency)
        for currency, total in sums.items()
    )


def series(
    body: Json,
    network: str,
    window_s: int,
    spans: tuple[FaultSpan, ...],
    states: Mapping[str, str],
) -> LatencySeries:
    """The main chart of one network, from `GET /lab/metrics/latency`.

    Args:
        body: the answer.
        network: which one.
        window_s: how far back it looks.
        spans: the film's faults; those of this network are taken.
        states: payment id → state, to say of an answered payment what the answer was.
    """
    one = section(section(body, "networks"), network)
    return LatencySeries(
        network=network,
        now_us=whole(body, "now_us", 0),
        window_s=window_s,
        bucket_us=whole(body, "bucket_us", 2_000_000),
        n=whole(one, "n", 0),
        buckets=tuple(_bucket(bucket) for bucket in objects(one, "buckets")),
        points=tuple(
            LatencyPoint(
                at_us=whole(point, "at_us"),
                ms=number(point, "ms"),
                payment_id=text(point, "payment_id", ""),
                outcome=_outcome(point, states),
            )
            for point in objects(one, "points")
        ),
        faults=tuple(span for span in spans if span.link.partition(".")[0] == network),
    )


def _outcome(point: Json, states: Mapping[str, str]) -> str:
    """How the payment behind a dot ended; a link without an answer in time leaves it unknown.

    What became of it afterwards (a reversal, say) counts for more than what the answer said.
    """
    link = text(point, "outcome", "")
    if link not in {"answered", "late"}:
        return "unknown"
    code = text_or_none(point, "response_code") if link == "answered" else None
    said = "unknown" if code is None else "approved" if code == "00" else "declined"
    return states.get(text(point, "payment_id", ""), said)


def _bucket(bucket: Json) -> LatencyBucket:
    return LatencyBucket(
        at_us=whole(bucket, "at_us"),
        n=whole(bucket, "n", 0),
        p50_ms=number_or_none(bucket, "p50_ms"),
        p95_ms=number_or_none(bucket, "p95_ms"),
        p99_ms=number_or_none(bucket, "p99_ms"),
        timeouts=whole(bucket, "timeouts", 0),
        rejected=whole(bucket, "rejected", 0),
        breaker=text(bucket, "breaker", "closed"),
    )


def tile(breaker: BreakerRecord, network: Json, series_of: Json) -> NetworkTile:
    """One network at a glance: its breaker, and its figures over the window shown."""
    return NetworkTile(
        name=breaker.name,
        breaker=breaker.state,
        forced=breaker.forced,
        retry_in_ms=breaker.retry_in_ms,
        error_rate=number(network, "error_rate", 0.0),
        rejected=breaker.rejected,
        p50_ms=number_or_none(series_of, "p50_ms"),
        p95_ms=number_or_none(series_of, "p95_ms"),
        p99_ms=number_or_none(series_of, "p99_ms"),
        n=whole(series_of, "n", 0),
    )
