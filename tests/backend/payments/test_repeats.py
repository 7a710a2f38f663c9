"""What else is promised about repeats: keys as people write them, one reference, one cheap lookup.

Rows 101 and 112 of the inventory (a key inside the body, refunds) belong to the merchants' gateway;
of row 113 the reference is here, the mark on look-alike payments is the fraud rules'.
"""

from __future__ import annotations

import pytest

from backend.cache.answers import StoredAnswers
from backend.cache.connect import open_cache

EXAMPLES = (
    "order_12345_attempt_1",
    "idem_abc123",
    "9f2c5d1e-3b7a-4c60-8f15-2a9d4e6b7c81",
    "pay-mer_coffee-1795000000000",
    "TAPLAB01-000042",
    "x" * 255,
)


@pytest.mark.inv(116)
@pytest.mark.parametrize("key", EXAMPLES)
def test_keys_as_people_write_them_are_kept_as_they_are(lab, order, key):
    first = lab.pay(order(), key)
    again = lab.pay(order(), key)
    assert (again.body, again.replayed) == (first.body, True)
    assert lab.one("SELECT key FROM idempotency_keys") == {"key": key}
    assert len(lab.networks.authorizations) == 1


@pytest.mark.inv(113)
def test_each_payment_has_a_reference_of_its_own_and_keeps_it(lab, order):
    """The network's way to tell a repeat from a second purchase: same card, shop and amount."""
    lab.networks.behaviours.append(lab.networks.not_sent("no_connection"))
    lab.pay(order(atc=1), "k1")
    lab.pay(order(atc=1), "k1")
    lab.pay(order(atc=2), "k2")
    one, other = lab.all("SELECT rrn, stan, sent_at_us FROM payments ORDER BY created_at_us")
    assert one["rrn"] != other["rrn"]
    sent = {request.reference for request in lab.networks.authorizations}
    assert {(each.rrn, each.stan, each.sent_at_us) for each in sent} == {
        (row["rrn"], row["stan"], row["sent_at_us"]) for row in (one, other)
    }


@pytest.mark.inv(115)
def test_a_replay_out_of_the_cache_asks_the_database_nothing(lab, order):
    """What makes it 1 ms instead of 10: counted, because a timed test would only time the day."""
    cache = open_cache(None, lab.clock, lab.events.emit)
    lab.cache = StoredAnswers(cache)
    lab.start_engine()
    asked = []
    read, write = lab.database.read, lab.database.write

    def counted_read(work):
        asked.append("read")
        return read(work)

    def counted_write(work):
        asked.append("write")
        return write(work)

    lab.database.read, lab.database.write = counted_read, counted_write
    first = lab.pay(order(), "k1")
    assert asked.count("write") >= 2
    asked.clear()
    again = lab.pay(order(), "k1")
    assert (again.body, again.replayed, asked) == (first.body, True, [])
    assert (cache.hits, cache.misses) == (1, 1)
    lab.run(cache.close())
