"""After the shop's day: webhooks verified, a dispute answered, events read, money paid out.

Run with the engine's address and its local token, which moves the laboratory's clock; prints what
it saw as one JSON document. The receiver is a real one, on loopback, and checks every signature.
"""

import json
import queue
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import stripe

ADDRESS, TOKEN = sys.argv[1:]
PATIENCE_S = 30
DAY_S = 86_400
v1 = stripe.StripeClient("sk_test_taplab", base_addresses={"api": ADDRESS}).v1
secrets, heard, seen = queue.Queue(1), queue.Queue(), {}


class Receiver(BaseHTTPRequestHandler):
    """The merchant's own server."""

    secret = ""

    def do_POST(self):
        """Take an event whose signature is right."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        event = stripe.Webhook.construct_event(
            body, self.headers["Stripe-Signature"], Receiver.secret, tolerance=None
        )
        self.send_response(200)
        self.end_headers()
        heard.put(event)

    def log_message(self, *_words):
        """Say nothing."""


def until(kind):
    """The next event of a kind."""
    while True:
        event = heard.get(timeout=PATIENCE_S)
        if event.type == kind:
            return event


def jump(seconds):
    """Move the laboratory's clock."""
    request = urllib.request.Request(  # noqa: S310 - the engine on loopback
        f"{ADDRESS}/lab/clock",
        json.dumps({"jump_s": seconds}).encode(),
        {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
    )
    urllib.request.urlopen(request).close()  # noqa: S310 - the engine on loopback


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
endpoint = v1.webhook_endpoints.create(
    {"url": f"http://127.0.0.1:{server.server_port}/hook", "enabled_events": ["*"]}
)
Receiver.secret = endpoint.secret
seen["endpoint"] = [endpoint.status, endpoint.secret.startswith("whsec_")]

intent = v1.payment_intents.create(
    {"amount": 5000, "currency": "usd", "payment_method": "pm_card_createDispute", "confirm": True}
)
event = until("payment_intent.succeeded")
seen["succeeded"] = [event.data.object.id == intent.id, event.data.object.amount_received]
opened = until("charge.dispute.created").data.object
seen["dispute"] = [opened.status, opened.amount, opened.charge == intent.latest_charge]
answered = v1.disputes.update(
    opened.id, {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True}
)
closed = until("charge.dispute.closed").data.object
seen["closed"] = [answered.status, closed.status]
seen["disputed"] = v1.charges.retrieve(intent.latest_charge, {"expand": ["customer"]}).disputed
listed = v1.events.list({"limit": 100})
named = {each.type for each in listed.data}
seen["events"] = sorted(named & {"payment_intent.succeeded", "charge.dispute.created"})
seen["event"] = v1.events.retrieve(event.id).data.object.id == intent.id

sale = v1.payment_intents.create(
    {
        "amount": 10000,
        "currency": "usd",
        "payment_method": "pm_card_visa",
        "confirm": True,
        "expand": ["latest_charge.balance_transaction"],
    }
)
line = sale.latest_charge.balance_transaction
seen["line"] = [line.amount, line.fee, line.net]
seen["pending"] = v1.balance.retrieve().pending[0].currency
jump(4 * DAY_S)
payout = until("payout.created").data.object
jump(3 * DAY_S)
until("payout.paid")
seen["payout"] = [payout.object, payout.currency, v1.payouts.retrieve(payout.id).status]
lines = v1.balance_transactions.list({"limit": 100}).data
seen["lines"] = [
    sorted({each.type for each in lines} & {"charge", "payout"}),
    payout.id in {each.source for each in lines},
    all(each.net == each.amount - each.fee for each in lines),
]
server.shutdown()
sys.stdout.write(json.dumps(seen))
