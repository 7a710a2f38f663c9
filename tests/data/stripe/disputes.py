"""Disputed cards, with the merchants' own Python client; only its base address is another.

Run with the engine's address; prints what it saw as one JSON document.
"""

import json
import sys

import stripe

v1 = stripe.StripeClient("sk_test_taplab", base_addresses={"api": sys.argv[1]}).v1
ASKED_MOST = 3_000  # a few milliseconds each
seen = {}


def disputed(number):
    """Sell to a card whose holder will dispute it, and wait for the dispute."""
    card = {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    method = v1.payment_methods.create({"type": "card", "card": card})
    intent = v1.payment_intents.create(
        {
            "amount": 5000,
            "currency": "usd",
            "confirm": True,
            "payment_method": method.id,
            "payment_method_types": ["card"],
        }
    )
    return until(lambda: next(iter(v1.disputes.list({"payment_intent": intent.id}).data), None))


def until(look):
    """What `look` finds, once it finds something."""
    for _ in range(ASKED_MOST):
        found = look()
        if found:
            return found
    raise SystemExit("nothing came of it")


def closed(dispute_id):
    dispute = v1.disputes.retrieve(dispute_id, {"expand": ["charge"]})
    return dispute if dispute.status in {"won", "lost"} else None


first = disputed("4000000000000259")
seen["opened"] = [first.object, first.amount, first.reason, first.status]
v1.disputes.update(first.id, {"evidence": {"customer_name": "Ann"}, "submit": False})
v1.disputes.update(
    first.id, {"evidence": {"uncategorized_text": "winning_evidence"}, "metadata": {"case": "7"}}
)
won = until(lambda: closed(first.id))
seen["won"] = [won.status, won.evidence.customer_name, won.metadata["case"], won.charge.disputed]
refund = v1.refunds.create({"charge": won.charge.id, "amount": 100})
seen["refund"] = refund.amount

second = disputed("4000000000002685")
lost = v1.disputes.close(second.id)
seen["closed"] = [lost.reason, lost.status]
try:
    v1.refunds.create({"charge": lost.charge})
except stripe.InvalidRequestError as error:
    seen["refused"] = [error.http_status, error.code]
seen["listed"] = sorted(dispute.status for dispute in v1.disputes.list().auto_paging_iter())


def told():
    found = v1.events.list({"type": "charge.dispute.closed", "limit": 10}).data
    return found if len(found) == 2 else None


seen["events"] = sorted(event.data.object.status for event in until(told))
sys.stdout.write(json.dumps(seen))
