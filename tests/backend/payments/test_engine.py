"""One tap through both phases: what is stored, what is told, and what a second request hears."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter

import orjson
import pytest

from backend.payments.idempotency import KeyInFlight, KeyMismatch, Reply
from backend.runtime.errors import BadRequest


@pytest.mark.inv(75, 76, 77, 82, 145, 183, 212, 215)
def test_an_approved_tap_is_stored_told_and_posted(lab, order, answer):
    reply = lab.pay(order())
    body = answer(reply)
    assert reply.status == 200
    assert not reply.replayed
    assert body["approved"] is True
    assert body["status"] == "approved"
    assert body["authCode"] == "A1B2C3"
    assert body["reason"] is None
    assert body["latencyMs"] == {"engine": 0, "network": 12, "issuer": 4, "database": 0}
    payment = lab.one("SELECT * FROM payments")
    assert payment["state"] == "approved"
    assert payment["merchant_category"] == "5411"
    assert payment["terminal_reference"] == "T0000001-000001"
    kinds = [row["kind"] for row in lab.all("SELECT kind FROM events ORDER BY seq")]
    assert kinds == ["payment.created", "payment.approved", "ledger.posted"]
    assert [event.kind for event in lab.events.recent()] == kinds
    lines = lab.all("SELECT account, direction, amount_minor, sentence FROM ledger_entries")
    assert [(line["account"], line["direction"], line["amount_minor"]) for line in lines] == [
        ("assets:customer-card:tok_1", "debit", 1_240),
        ("liabilities:pending-settlement:mer_corner_market", "credit", 1_240),
    ]
    assert lines[0]["sentence"] == "Visa ·4241 promises 12.40 USD to Corner Market"
    assert lab.one("SELECT action, result FROM audit_logs") == {
        "action": "payment.approved",
        "result": "approved",
    }
    assert lab.one("SELECT token_ref, last_atc FROM token_atc") == {
        "token_ref": "tok_1",
        "last_atc": 1,
    }


def test_nothing_stored_carries_the_token(lab, order):
    lab.pay(order())
    dump = b"".join(path.read_bytes() for path in lab.path.parent.iterdir())
    assert b"Corner Market" in dump
    assert order().token.encode() not in dump


def test_the_intent_is_durable_before_anything_leaves(lab, order):
    seen = []

    async def look(request):
        seen.append((lab.states(), lab.one("SELECT state, response_body FROM idempotency_keys")))
        return lab.networks.decide(request, "00")

    lab.networks.behaviours.append(look)
    lab.pay(order())
    assert seen == [(["authorizing"], {"state": "in_flight", "response_body": None})]


@pytest.mark.inv(75, 83)
def test_a_decline_says_why_and_posts_nothing(lab, order, answer):
    lab.networks.behaviours.append(lab.networks.says("51"))
    body = answer(lab.pay(order(amount_minor=1_251)))
    assert (body["approved"], body["status"], body["responseCode"]) == (False, "declined", "51")
    assert body["reason"] == "insufficient_funds"
    assert body["steered"] == "amount ends .51"
    assert lab.all("SELECT * FROM ledger_entries") == []
    assert lab.one("SELECT last_atc FROM token_atc")["last_atc"] == 1  # a valid cryptogram counts


@pytest.mark.inv(104, 107)
def test_the_same_request_again_is_answered_byte_for_byte(lab, order):
    first = lab.pay(order())
    second = lab.pay(order())
    assert second == Reply(first.status, first.body, replayed=True)
    assert len(lab.networks.authorizations) == 1


@pytest.mark.inv(111)
def test_the_same_key_with_another_body_is_refused(lab, order):
    lab.pay(order())
    with pytest.raises(KeyMismatch) as refused:
        lab.pay(order(amount_minor=9_999))
    assert (refused.value.status, refused.value.code) == (422, "idempotency_mismatch")
    assert len(lab.networks.authorizations) == 1


@pytest.mark.inv(103, 105, 107, 109)
def test_sixty_four_racers_make_one_authorization(lab, order):
    refusals: Counter[int] = Counter()

    async def racer() -> Reply:
        while True:
            try:
                return await lab.paying(order(), "race")
            except KeyInFlight as conflict:
                refusals[conflict.status] += 1
                await lab.scheduler.sleep(conflict.retry_after_s)

    async def race() -> list[Reply]:
        return await asyncio.gather(*(racer() for _ in range(64)))

    replies = lab.run(race())
    assert len(lab.networks.authorizations) == 1
    assert len({reply.body for reply in replies}) == 1
    assert sum(not reply.replayed for reply in replies) == 1
    assert refusals == {409: 63}


@pytest.mark.inv(110)
def test_two_merchants_may_use_the_same_key(lab, order, answer):
    mine = answer(lab.pay(order(atc=1), "order_1", account="mer_corner_market"))
    theirs = answer(lab.pay(order(atc=2, merchant_id="mer_other"), "order_1", account="mer_other"))
    assert mine["transactionId"] != theirs["transactionId"]
    assert len(lab.networks.authorizations) == 2


@pytest.mark.inv(63, 81, 108)
def test_a_tills_retry_is_found_by_terminal_and_sequence(lab, order):
    first = lab.pay(order(atc=1), "T0000001-000007")
    again = lab.pay(order(atc=1), "T0000001-000007")
    assert again.body == first.body
    assert lab.one("SELECT COUNT(*) AS n FROM payments")["n"] == 1


@pytest.mark.parametrize(
    ("reason", "told"), [("breaker_open", "breaker_open"), ("no_connection", "network_unavailable")]
)
@pytest.mark.inv(106)
def test_what_never_left_releases_its_key(lab, order, answer, reason, told):
    lab.networks.behaviours.append(lab.networks.not_sent(reason))
    first = answer(lab.pay(order()))
    assert (first["approved"], first["status"], first["reason"]) == (False, "not_sent", told)
    second = answer(lab.pay(order()))
    assert (second["approved"], second["transactionId"]) == (True, first["transactionId"])
    references = {request.reference for request in lab.networks.authorizations}
    assert len(references) == 1
    kinds = [row["kind"] for row in lab.all("SELECT kind FROM events ORDER BY seq")]
    assert kinds[:4] == [
        "payment.created", "payment.not_sent", "payment.sent_again", "payment.approved",
    ]  # fmt: skip


def test_a_card_suspended_before_the_second_try_is_refused(lab, order, answer):
    lab.networks.behaviours.append(lab.networks.not_sent("no_connection"))
    lab.pay(order())
    lab.card_status("tok_1", "suspended")
    body = answer(lab.pay(order()))
    assert (body["status"], body["reason"]) == ("declined", "token_not_active")
    assert len(lab.networks.authorizations) == 1


@pytest.mark.inv(80)
def test_an_unknown_token_is_refused_here(lab, order, answer):
    body = answer(lab.pay(order(token="4000056655665556")))
    assert (body["approved"], body["reason"]) == (False, "invalid_token")
    assert lab.networks.authorizations == []
    assert lab.states() == ["declined"]


@pytest.mark.parametrize("status", ["pending", "suspended"])
def test_a_token_that_is_not_active_is_refused_here(lab, order, answer, status):
    lab.card_status("tok_1", status)
    body = answer(lab.pay(order()))
    assert (body["approved"], body["reason"]) == (False, "token_not_active")
    assert lab.networks.authorizations == []


@pytest.mark.inv(72, 78, 79)
def test_a_counter_is_good_once(lab, order, answer):
    lab.pay(order(atc=5), "k1")
    assert answer(lab.pay(order(atc=5, amount_minor=1), "k2"))["reason"] == "atc_replay"
    assert answer(lab.pay(order(atc=4), "k3"))["reason"] == "atc_replay"
    assert answer(lab.pay(order(atc=6), "k4"))["approved"] is True
    assert len(lab.networks.authorizations) == 2


def test_a_kept_tap_may_lie_below_the_watermark_once(lab, order, answer):
    lab.pay(order(atc=5), "k1")
    kept = order(atc=3, store_and_forward=True)
    assert answer(lab.pay(kept, "k2"))["approved"] is True
    assert answer(lab.pay(kept, "k3"))["reason"] == "atc_replay"
    assert lab.one("SELECT last_atc FROM token_atc")["last_atc"] == 5


@pytest.mark.inv(76)
def test_a_forged_counter_does_not_lock_the_token(lab, order, answer):
    lab.networks.cryptogram_valid = False
    lab.networks.behaviours.append(lab.networks.says("82"))
    assert answer(lab.pay(order(atc=65_535), "forged"))["approved"] is False
    lab.networks.cryptogram_valid = True
    assert answer(lab.pay(order(atc=6), "genuine"))["approved"] is True
    assert lab.one("SELECT last_atc FROM token_atc")["last_atc"] == 6
    assert answer(lab.pay(order(atc=65_535), "last"))["approved"] is True


def test_a_forgery_does_not_use_up_the_cards_next_counter(lab, order, answer):
    lab.networks.cryptogram_valid = False
    lab.networks.behaviours.append(lab.networks.says("82"))
    lab.pay(order(atc=6, amount_minor=100_000), "forged")
    lab.networks.cryptogram_valid = True
    assert answer(lab.pay(order(atc=6), "genuine"))["approved"] is True
    assert answer(lab.pay(order(atc=6), "replayed"))["reason"] == "atc_replay"


def test_an_unknown_merchant_is_refused_before_anything_is_written(lab, order):
    with pytest.raises(BadRequest) as refused:
        lab.pay(order(merchant_id="mer_nobody"))
    assert refused.value.code == "merchant_unknown"
    assert lab.all("SELECT * FROM idempotency_keys") == []


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "idempotency_key_required"),
        ("x" * 256, "idempotency_key_invalid"),
        ("a b", "idempotency_key_invalid"),
    ],
)
@pytest.mark.inv(100)
def test_a_key_is_needed_and_must_be_plain(lab, order, key, code):
    with pytest.raises(BadRequest) as refused:
        lab.pay(order(), key)
    assert refused.value.code == code


class BrokenCache:
    """A cache that loses, delays or confuses what it was given."""

    def __init__(self, lab, kind):
        self.lab, self.kind, self.kept = lab, kind, {}

    async def get(self, scope):
        if self.kind == "slow":
            await self.lab.scheduler.sleep(5)
        if self.kind == "wrong":  # somebody else's approval
            return next(iter(self.kept.values()), None)
        if self.kind == "spoiled" and scope in self.kept:
            return dataclasses.replace(self.kept[scope], body=b'{"approved":true}')
        return self.kept.get(scope)

    async def put(self, scope, reply, *, ttl_s):
        assert ttl_s == 86_400
        if self.kind != "lost":
            self.kept[scope] = reply


@pytest.mark.parametrize("kind", ["good", "slow", "wrong", "spoiled", "lost"])
@pytest.mark.inv(102, 114)
def test_a_cache_changes_no_outcome(lab, order, answer, kind):
    lab.cache = BrokenCache(lab, kind)
    lab.start_engine()
    first = lab.pay(order(atc=1), "k1")
    lab.networks.behaviours.append(lab.networks.says("51"))
    second = lab.pay(order(atc=2), "k2")
    assert answer(second)["approved"] is False
    assert lab.pay(order(atc=1), "k1").body == first.body
    assert lab.pay(order(atc=2), "k2").body == second.body
    with pytest.raises(KeyMismatch):
        lab.pay(order(atc=3), "k1")
    assert len(lab.networks.authorizations) == 2


def test_nothing_is_told_before_it_is_stored(lab, order, answer):
    """Whoever hears an event can read its row: what a crash could take back was never told."""
    heard = []

    def hear(event):
        found = lab.all("SELECT kind FROM events WHERE seq = :seq", seq=event.seq)
        heard.append((event.kind, [row["kind"] for row in found]))

    lab.events.subscribe(hear)
    assert answer(lab.pay(order()))["approved"]
    lab.networks.behaviours.append(lab.networks.says("51"))
    assert not answer(lab.pay(order(atc=2), "k2"))["approved"]
    assert [kind for kind, _ in heard] == [
        "payment.created",
        "payment.approved",
        "ledger.posted",
        "payment.created",
        "payment.declined",
    ]
    assert all(stored == [kind] for kind, stored in heard)


def test_events_name_what_caused_them(lab, order):
    lab.pay(order())
    rows = lab.all("SELECT seq, cause_id, tap_id, data FROM events ORDER BY seq")
    assert [row["cause_id"] for row in rows] == [None, "engine-1", "engine-2"]
    assert {row["tap_id"] for row in rows} == {"tap_1"}
    approved = orjson.loads(rows[1]["data"])
    assert [hop["name"] for hop in approved["hops"]] == ["database", "network", "issuer"]
