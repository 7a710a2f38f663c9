"""A merchant's server that believes its webhooks only as the merchants' own client says.

Run with the engine's address; prints what it saw as one JSON document.
"""

import json
import queue
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import stripe

PATIENCE_S = 20
heard = queue.Queue()


class Server(BaseHTTPRequestHandler):
    """Hands on what it hears."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        """One delivery."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        heard.put((body, self.headers["Stripe-Signature"], self.headers["Host"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        """Nobody reads it."""


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
place = f"localhost:{server.server_port}"
v1 = stripe.StripeClient("sk_test_taplab", base_addresses={"api": sys.argv[1]}).v1
endpoint = v1.webhook_endpoints.create(
    {"url": f"http://{place}/hooks", "enabled_events": ["*"], "metadata": {"team": "till"}}
)
seen = {"endpoint": [endpoint.object, endpoint.status, endpoint.metadata.to_dict()]}

intent = v1.payment_intents.create(
    {"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
)
v1.refunds.create({"payment_intent": intent.id, "amount": 500})
events = {}
while "refund.updated" not in events:
    body, signature, host = heard.get(timeout=PATIENCE_S)
    assert host == place, host
    event = stripe.Webhook.construct_event(body, signature, endpoint.secret)
    events[event.type] = event
seen["types"] = sorted(events)
seen["objects"] = [
    events["payment_intent.succeeded"].data.object.id == intent.id,
    events["charge.captured"].data.object.amount_captured,
    events["charge.refunded"].data.object.amount_refunded,
    events["refund.updated"].data.object.status,
]

refusals = []
for changed, secret in ((body, "whsec_other"), (body.replace(b"500", b"501"), endpoint.secret)):
    try:
        stripe.Webhook.construct_event(changed, signature, secret)
    except stripe.SignatureVerificationError:
        refusals.append(True)
seen["refusals"] = refusals

listed = v1.events.list({"limit": 100})
seen["listed"] = sorted({each.type for each in listed.data}) == sorted(events)
again = v1.events.retrieve(events["charge.refunded"].id)
seen["retrieved"] = json.loads(str(again)) == json.loads(str(events["charge.refunded"]))

changed = v1.webhook_endpoints.update(endpoint.id, {"disabled": True})
v1.customers.create({"name": "Ann"})
seen["disabled"] = [changed.status, v1.webhook_endpoints.list().data[0].id == endpoint.id]
seen["deleted"] = v1.webhook_endpoints.delete(endpoint.id).deleted
seen["silent"] = heard.empty()
server.shutdown()
sys.stdout.write(json.dumps(seen))
