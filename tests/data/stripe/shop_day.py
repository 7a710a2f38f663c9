"""A shop's day with the merchants' own Python client; only its base address is another.

Run with the engine's address; prints what it saw as one JSON document.
"""

import json
import sys

import stripe

client = stripe.StripeClient(
    "sk_test_taplab", base_addresses={"api": sys.argv[1]}, max_network_retries=2
)
v1 = client.v1
seen = {}


def refused(kind, work):
    """The error that `work` has to end in."""
    caught = None
    try:
        work()
    except kind as error:
        caught = error
    assert type(caught) is kind, f"{kind.__name__} was expected, not {caught!r}"
    assert caught.request_id.startswith("req_")
    return {
        "status": caught.http_status,
        "code": caught.code,
        "param": getattr(caught, "param", None),
    }


wrong = stripe.StripeClient("sk_test_wrong", base_addresses={"api": sys.argv[1]}).v1
account = v1.accounts.retrieve_current()
seen["account"] = [account.id, account.charges_enabled]

customer = v1.customers.create(
    {"name": "Ann", "email": "ann@example.com", "metadata": {"table": "4", "old": "1"}}
)
customer = v1.customers.update(customer.id, {"metadata": {"old": ""}, "phone": "555"})
seen["customer"] = [customer.name, customer.metadata.to_dict(), customer.phone]

method = v1.payment_methods.create(
    {
        "type": "card",
        "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"},
        "billing_details": {"name": "Ann", "address": {"city": "Springfield"}},
    }
)
v1.payment_methods.attach(method.id, {"customer": customer.id})
seen["methods"] = [m.card.last4 for m in v1.customers.payment_methods.list(customer.id)]

order = {
    "amount": 1240,
    "currency": "usd",
    "customer": customer.id,
    "payment_method": method.id,
    "capture_method": "manual",
    "confirm": True,
    "off_session": True,
    "metadata": {"order": "7"},
    "expand": ["latest_charge.customer"],
}
intent = v1.payment_intents.create(order, {"idempotency_key": "order-7"})
charge = intent.latest_charge
seen["held"] = [intent.status, intent.amount_capturable, charge.captured, charge.customer.name]
again = v1.payment_intents.create(order, {"idempotency_key": "order-7"})
seen["again"] = [
    again.id == intent.id,
    again.last_response.headers.get("idempotent-replayed"),
    again.last_response.body == intent.last_response.body,
]
captured = v1.payment_intents.capture(intent.id, {"amount_to_capture": 1000})
seen["captured"] = [captured.status, captured.amount_received]
refund = v1.refunds.create({"payment_intent": intent.id, "amount": 250})
rest = v1.refunds.create({"charge": captured.latest_charge})
seen["refunds"] = [refund.amount, rest.amount, rest.currency]
seen["charge"] = v1.charges.retrieve(captured.latest_charge).amount_refunded

token = v1.tokens.create(
    {"card": {"number": "5555555555554444", "exp_month": 1, "exp_year": 2041, "cvc": "321"}}
)
old = v1.charges.create({"amount": 700, "currency": "eur", "source": token.id})
seen["token"] = [token.card.brand, old.status, old.paid, old.currency]

setup = v1.setup_intents.create(
    {"customer": customer.id, "payment_method": "pm_card_amex", "confirm": True}
)
seen["setup"] = setup.status

for number in range(7):
    v1.payment_intents.create({"amount": 100 + number, "currency": "usd"})
pages = v1.payment_intents.list({"limit": 3})
seen["pages"] = [len(pages.data), pages.has_more]
listed = [each.id for each in pages.auto_paging_iter()]
seen["listed"] = [len(listed), len(set(listed)), listed[-1] == intent.id]

bare = {"amount": 100, "currency": "usd"}
declined = {**bare, "payment_method": "pm_card_chargeDeclined", "confirm": True}
seen["errors"] = {
    "card": refused(stripe.CardError, lambda: v1.payment_intents.create(declined)),
    "unknown": refused(
        stripe.InvalidRequestError, lambda: v1.payment_intents.create({**bare, "colour": "red"})
    ),
    "missing": refused(
        stripe.InvalidRequestError, lambda: v1.payment_intents.create({"amount": 100})
    ),
    "nobody": refused(stripe.InvalidRequestError, lambda: v1.customers.retrieve("cus_none")),
    "key": refused(
        stripe.AuthenticationError,
        wrong.accounts.retrieve_current,
    ),
    "idempotency": refused(
        stripe.IdempotencyError,
        lambda: v1.payment_intents.create(bare, {"idempotency_key": "order-7"}),
    ),
}
try:
    v1.payment_intents.create(declined)
except stripe.CardError as error:
    seen["decline"] = [error.error.decline_code, error.error.payment_intent.status]
sys.stdout.write(json.dumps(seen))
