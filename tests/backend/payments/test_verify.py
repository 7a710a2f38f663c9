"""Every promise about stored data: kept after a busy day, and seen when it is broken on purpose."""

from __future__ import annotations

import sqlite3

import pytest

from backend.storage.verify import CHECKS, HostAuthorization, verify
from backend.storage.verify_settlement import SETTLEMENT_BREAKS, SETTLEMENT_OFFENDERS
from backend.storage.verify_webhooks import WEBHOOK_BREAKS, WEBHOOK_OFFENDERS
from tests.disputing import Disputing


@pytest.fixture
def busy(lab, order):
    """A store with every kind of payment in it."""
    networks = lab.networks
    networks.behaviours.extend(
        [
            networks.says("00"),
            networks.says("51"),
            networks.not_sent("breaker_open"),
            networks.breaks("reset", host_said="00"),
            networks.answers_late("00", after_s=2),
        ]
    )
    for atc in range(1, 6):
        lab.pay(order(atc=atc), f"k{atc}")
    lab.pass_time(60)
    lab.pay(order(atc=1), "replay")
    lab.pay(order(token="4000056655665556"), "stranger")
    networks.behaviours.append(networks.breaks("timeout", host_said="00"))
    lab.pay(order(atc=6), "unknown")
    for atc in (7, 8):
        lab.pay(order(atc=atc), f"k{atc}")
        payment_id = lab.one("SELECT id FROM payments WHERE atc = :atc", atc=atc)["id"]
        lab.order_at_desk("capture", payment_id, f"c{atc}", 1_000)
        lab.order_at_desk("refund", payment_id, f"r{atc}", 300)
    lab.pass_advices(1)
    disputed = lab.one("SELECT id FROM payments WHERE atc = 7")["id"]
    Disputing(lab).open(str(disputed), 400)
    assert sorted(lab.states()) == [
        "approved", "captured", "captured", "declined", "declined", "declined", "not_sent",
        "reversed", "reversed", "unknown",
    ]  # fmt: skip
    return lab


def host_view(lab):
    def look():
        return [
            HostAuthorization(
                request.network,
                request.reference.rrn,
                approved=lab.networks.outcomes.get(request.reference.rrn)
                in {"00", "reversed", "booked"},
                reversed=lab.networks.outcomes.get(request.reference.rrn) == "reversed",
            )
            for request in lab.networks.authorizations
        ]

    return look


def red(lab, **other) -> set[str]:
    return {check.name for check in verify(lab.database, **other) if not check.ok}


def test_a_busy_store_keeps_every_promise(busy):
    checks = verify(busy.database, host_view=host_view(busy))
    assert [check for check in checks if not check.ok] == []
    assert len(checks) == len(CHECKS) + 1
    assert len({check.name for check in checks}) == len(checks)


def test_a_store_reopened_after_a_kill_keeps_every_promise(lab, order):
    lab.networks.behaviours.append(lab.networks.kills(host_said="00"))
    lab.pay_and_be_killed(order())
    lab.restart()
    assert red(lab, host_view=host_view(lab)) == set()


def allow_meddling(lab) -> None:
    for operation in ("update", "delete"):
        lab.change(f"DROP TRIGGER tr_ledger_entries_no_{operation}")
        lab.change(f"DROP TRIGGER tr_audit_logs_no_{operation}")


BREAKS = {
    "ledger transactions balance": (
        "UPDATE ledger_entries SET amount_minor = amount_minor + 1 WHERE seq = 1"
    ),
    "ledger is zero overall": "DELETE FROM ledger_entries WHERE seq = 2",
    "ledger entries belong to something": (
        "UPDATE ledger_entries SET payment_id = 'pay_nowhere' WHERE seq IN (1, 2)"
    ),
    "approved payments hold": "UPDATE payments SET hold_open = 0 WHERE state = 'approved'",
    "each counter once a token": "UPDATE payments SET atc = 9 WHERE state = 'approved'",
    "watermarks come from sent counters": "UPDATE token_atc SET last_atc = 65535",
    "suspended cards are held by somebody": "UPDATE provisioned_cards SET suspended_by = 'ISSUER'",
    "what a card waits for is ordered": (
        "UPDATE provisioned_cards SET pending_operation = 'refresh'"
    ),
    "unknown outcomes are followed up": "DELETE FROM payment_follow_ups WHERE done_at_us IS NULL",
    "settled payments are left alone": "UPDATE payment_follow_ups SET done_at_us = NULL",
    "keys agree with their payments": (
        "UPDATE idempotency_keys SET state = 'in_flight' WHERE \"key\" = 'k1'"
    ),
    "payments have their keys": "DELETE FROM idempotency_keys WHERE \"key\" = 'k1'",
    "outbox readers are not ahead": (
        "INSERT OR REPLACE INTO outbox_cursors VALUES ('webhooks', 1000000)"
    ),
    "ledger hash chains": "UPDATE ledger_entries SET sentence = 'nothing to see' WHERE seq = 3",
    "audit hash chain": "UPDATE audit_logs SET result = 'approved' WHERE id = 2",
    "addresses go with their person, and only so": (
        "UPDATE audit_logs SET address_digest = x'00' WHERE id = 2"
    ),
    "vault records have their keys": (
        "INSERT INTO vault_cards VALUES"
        " ('card_1', 'm', 'visa', '4242', 12, 2030, 'f', 'US', 1, 7, x'00')"
    ),
    "vault keys are wrapped alike": (
        "INSERT INTO vault_keys VALUES (1, 1, 'file', x'00', 1, 1), (2, 2, 'file', x'00', 1, 1)"
    ),
    "web payments have their cards": (
        "UPDATE payments SET transaction_type = 'web' WHERE state = 'approved'"
    ),
    "security codes do not outlive their payment": (
        "INSERT INTO vault_codes SELECT card_id, 1, x'00', 0 FROM payments"
        " WHERE state = 'approved' LIMIT 1"
    ),
    "ledger carries what is held": (
        "UPDATE payments SET amount_minor = amount_minor + 1 WHERE state = 'approved'"
    ),
    "state is the fold of its events": (
        "DELETE FROM events WHERE kind = 'payment.declined' AND seq ="
        " (SELECT MIN(seq) FROM events WHERE kind = 'payment.declined')"
    ),
    "proven counters lie at or below the watermark": "UPDATE token_atc SET last_atc = 1",
    "captured within authorized": (
        "UPDATE payments SET captured_minor = 5, hold_open = 0 WHERE state = 'approved'"
    ),
    "refunded within captured": "UPDATE refunds SET amount_minor = amount_minor + 1",
    "networks are told of every capture": "DELETE FROM advices WHERE kind = 'completion'",
    "networks are told of every refund": "UPDATE refunds SET state = 'pending'",
    "disputes hold what is in question": "UPDATE disputes SET fee_minor = fee_minor + 1",
    "disputed within captured": "UPDATE disputes SET amount_minor = 701",
    "networks are told of every lost dispute": (
        "UPDATE disputes SET state = 'lost', closed_at_us = 1, due_at_us = NULL"
    ),
    "dispute versions are their events": "UPDATE disputes SET version = version + 1",
    "answers agree with payments": (
        "UPDATE idempotency_keys SET response_body = CAST(REPLACE(CAST(response_body AS TEXT),"
        " '\"approved\":true', '\"approved\":false') AS BLOB) WHERE \"key\" = 'k1'"
    ),
}


@pytest.mark.parametrize("name", BREAKS)
def test_each_check_sees_its_own_damage(busy, name):
    allow_meddling(busy)
    busy.change(BREAKS[name])
    assert name in red(busy)


def test_there_is_damage_for_every_check(lab):
    elsewhere = SETTLEMENT_OFFENDERS.keys() | SETTLEMENT_BREAKS.keys()  # test_settlement_verify
    elsewhere |= WEBHOOK_OFFENDERS.keys() | WEBHOOK_BREAKS.keys()  # webhooks/test_verify_webhooks
    assert {check.name for check in verify(lab.database)} == BREAKS.keys() | elsewhere


@pytest.mark.parametrize(
    "damage",
    ["second hold", "hold left behind", "lost hold", "stranger"],
)
def test_the_networks_memory_is_compared(busy, damage):
    remembered = host_view(busy)()
    approved, reversed_ = remembered[0], next(each for each in remembered if each.reversed)
    match damage:
        case "second hold":
            remembered.append(approved)
        case "hold left behind":
            remembered.append(
                HostAuthorization("visa", reversed_.rrn, approved=True, reversed=False)
            )
        case "lost hold":
            remembered.remove(approved)
        case "stranger":
            remembered.append(
                HostAuthorization("visa", "000000000000", approved=True, reversed=False)
            )
    assert red(busy, host_view=lambda: remembered) == {"one authorization a payment"}


def test_a_payment_that_changed_state_without_an_event_is_seen(busy):
    busy.change("UPDATE payments SET state = 'declined' WHERE state = 'approved'")
    assert "state is the fold of its events" in red(busy)


@pytest.mark.inv(145, 147)
@pytest.mark.parametrize(
    ("damage", "where"),
    [
        ("DELETE FROM audit_logs WHERE id = 3", "line 4"),
        ("UPDATE audit_logs SET at_us = at_us + 1 WHERE id = 1", "line 1"),
        ("UPDATE audit_logs SET user_id = 'usr_eve' WHERE id = 5", "line 5"),
        ("DELETE FROM audit_logs WHERE id > 9", "are missing"),
        ("DELETE FROM audit_logs", "are missing"),
    ],
)
def test_the_audit_trail_misses_what_was_changed_or_cut_off(busy, damage, where):
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        busy.change(damage)
    allow_meddling(busy)
    busy.change(damage)
    (check,) = [each for each in verify(busy.database) if each.name == "audit hash chain"]
    assert not check.ok
    assert where in check.detail


def test_details_name_a_few_and_count_the_rest(busy):
    busy.change("DELETE FROM idempotency_keys")
    (check,) = [each for each in verify(busy.database) if each.name == "payments have their keys"]
    assert check.detail.count("pay_") == 3
    assert check.detail.endswith("and 7 more")
