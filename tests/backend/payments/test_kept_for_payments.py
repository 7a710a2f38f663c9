"""What payments read from a cache: counters that SQL confirms, merchants until they change."""

from dataclasses import dataclass, field

import orjson
import pytest

from backend.cache.level_one import LevelOne
from backend.cache.merchants import KeptMerchants
from backend.cache.policy import DEFAULT
from backend.cache.remembered import Remembered
from backend.payments.idempotency import KeyMismatch
from backend.payments.records import DEFAULT_MERCHANT


@dataclass
class Counters:
    """A cache of watermarks that says what it is told to say."""

    claimed: int | None = None
    slow: object = None
    tokens: dict[bytes, str] = field(default_factory=dict)
    written: list[tuple[str, int]] = field(default_factory=list)

    async def token_of(self, fingerprint: bytes) -> str | None:
        return self.tokens.get(fingerprint)

    async def keep_token(self, fingerprint: bytes, token_ref: str) -> None:
        self.tokens[fingerprint] = token_ref

    async def highest(self, token_ref: str) -> int | None:
        assert token_ref
        if self.slow is not None:
            await self.slow.sleep(3_600)
        return self.claimed

    async def raise_to(self, token_ref: str, atc: int) -> None:
        self.written.append((token_ref, atc))
        if self.slow is not None:
            await self.slow.sleep(3_600)


def with_counters(lab) -> Counters:
    lab.counters = Counters()
    lab.start_engine()
    return lab.counters


def tried_reservations(lab, monkeypatch) -> list[int]:
    """The counters that SQL is asked to reserve from now on."""
    tried, reserve = [], lab.rows.reserve_atc

    def reserve_atc(tx, payment, *, below_watermark):
        tried.append(payment.atc)
        return reserve(tx, payment, below_watermark=below_watermark)

    monkeypatch.setattr(lab.rows, "reserve_atc", reserve_atc)
    return tried


@pytest.mark.inv(130)
def test_a_replay_that_the_cache_knows_is_refused_early(lab, order, answer, monkeypatch):
    counters = with_counters(lab)
    tried = tried_reservations(lab, monkeypatch)
    assert answer(lab.pay(order(atc=5), "k1"))["approved"]
    assert [atc for _, atc in counters.written] == [5]
    counters.claimed = 5
    for replayed in (5, 4):
        refused = answer(lab.pay(order(atc=replayed), f"again-{replayed}"))
        assert (refused["approved"], refused["reason"]) == (False, "atc_replay")
    assert lab.pay(order(atc=5), "again-5").replayed, "a refusal is on record like any other"
    with pytest.raises(KeyMismatch):
        lab.pay(order(atc=4), "again-5")
    assert answer(lab.pay(order(atc=6), "k2"))["approved"]
    assert tried == [5, 6], "SQL was asked to reserve neither replay"
    assert len(lab.networks.authorizations) == 2


@pytest.mark.inv(130)
def test_a_watermark_that_is_too_high_refuses_nothing(lab, order, answer):
    """A forged or foreign value: SQL is asked before anybody is refused."""
    counters = with_counters(lab)
    counters.claimed = 65_535
    assert answer(lab.pay(order(atc=1), "k1"))["approved"]
    assert answer(lab.pay(order(atc=2), "k2"))["approved"]
    for fingerprint in counters.tokens:
        counters.tokens[fingerprint] = "tok_of_another_world"
    assert answer(lab.pay(order(atc=3), "k3"))["approved"]
    assert answer(lab.pay(order(atc=3), "k4"))["reason"] == "atc_replay"


@pytest.mark.inv(114, 130)
@pytest.mark.parametrize("kind", ["empty", "slow", "low"])
def test_a_cache_that_knows_nothing_changes_no_outcome(lab, order, answer, kind):
    counters = with_counters(lab)
    counters.slow = lab.scheduler if kind == "slow" else None
    assert answer(lab.pay(order(atc=3), "k1"))["approved"]
    counters.claimed = 1 if kind == "low" else None
    refused = answer(lab.pay(order(atc=3), "k2"))
    assert (refused["approved"], refused["reason"]) == (False, "atc_replay")
    assert len(lab.networks.authorizations) == 1


@pytest.mark.inv(130)
def test_only_a_valid_cryptogram_is_written_through(lab, order):
    counters = with_counters(lab)
    lab.networks.cryptogram_valid = False
    lab.networks.behaviours.append(lab.networks.says("82"))
    lab.pay(order(atc=9), "k1")
    assert counters.written == []


@pytest.mark.inv(129)
def test_a_merchant_is_read_once_and_again_when_it_changed(lab, order):
    near = LevelOne(lab.clock, 10_000)
    kept = KeptMerchants(Remembered(None, DEFAULT.merchant, near=near))
    lab.merchants = kept
    lab.start_engine()
    lab.events.subscribe(kept.heed)
    lab.pay(order(atc=1), "k1")
    lab.pay(order(atc=2), "k2")
    assert near.by_kind() == {"merchant": (1, 1)}
    lab.change("UPDATE merchants SET name = 'Corner Shop'")
    lab.pay(order(atc=3), "k3")
    lab.events.emit("merchant.updated", actor="merchant", data={"merchant_id": DEFAULT_MERCHANT.id})
    lab.pay(order(atc=4), "k4")
    names = [request.merchant_name for request in lab.networks.authorizations]
    assert names == ["Corner Market"] * 3 + ["Corner Shop"]
    assert orjson.loads(lab.pay(order(atc=4), "k4").body)
