"""What must hold after every simulated step, and what must hold when all is quiet.

Reads the stores themselves, the engine's and the networks', and not what the engine says of them.
Whatever may only go one way (a card's counter, a hold that ended) is remembered from step to step.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from backend.api import verify
from backend.storage.verify import HostAuthorization
from backend.storage.verify import verify as verify_store
from lab.engine_stream import EventStream
from lab.simulation import SimulatedLab

FINAL = {"approved", "declined", "reversed", "not_sent", "captured"}
ENDED_HOLD = "released"
ATC_MAX = 65_535


class Broken(AssertionError):
    """A promise that does not hold; the text says which and where."""


class Checkers:
    """The invariants of one laboratory."""

    def __init__(self, lab: SimulatedLab) -> None:
        self._lab = lab
        self._counters: dict[str, int] = {}
        self._watermarks: dict[str, int] = {}
        self._ended: set[str] = set()
        self._cards: set[str] = set()
        self._left: set[str] = set()
        self._before: set[str] = {card.id for card in lab.world.wallet.cards}
        self._on_phone: dict[object, bool] = {}
        self._told: dict[str, str] = {}
        self._heard: set[int] = set()
        self.checks = 0
        self._start_engine = lab.engine.start
        lab.engine.start = self._look_at_the_files_first  # type: ignore[method-assign]
        lab.run(self._listen())

    def told(self, payment_id: str, status: str) -> None:
        """A till was given an answer; a final one must stay true."""
        before = self._told.get(payment_id)
        _hold(before in {None, "pending", status}, f"{payment_id}: told {before}, then {status}")
        self._told[payment_id] = status

    def after_step(self) -> None:
        """Whatever happened just now."""
        self._counters_rise()
        cards = {card.id for card in self._lab.world.wallet.cards}
        self._cards |= cards
        self._left |= self._cards - cards
        if not self._lab.engine.is_up:
            return  # the files are looked at before the next life begins
        for row in self._engine("SELECT id, card_id FROM payments"):
            self._on_phone.setdefault(row["id"], row["card_id"] in self._before)
        self._before = cards
        self.checks += 1
        self._stored_promises()
        self._one_authorization_a_tap()
        self._watermarks_rise()
        self._holds_end_once()
        self._never_more_than_was_sold()

    def at_the_quiet_end(self) -> None:
        """Faults are off and time has passed: nothing is stuck, and everybody believes the same."""
        self.after_step()
        payments = self._engine(
            "SELECT id, tap_id, state, network, rrn, amount_minor, captured_minor, refunded_minor,"
            " voided_at_us FROM payments"
        )
        states = {row["id"]: row["state"] for row in payments}
        _none(f"{i}: {state}" for i, state in states.items() if state not in FINAL)
        _none(row["id"] for row in self._engine(
            "SELECT id FROM payment_follow_ups WHERE done_at_us IS NULL"
        ))  # fmt: skip
        _none(f"{row['key']}: {row['state']}" for row in self._engine(
            "SELECT key, state FROM idempotency_keys WHERE state NOT IN ('final', 'released')"
        ))  # fmt: skip
        self._holds_agree(payments)
        said_yes = {row["id"] for row in payments if _bank_said_yes(row)}
        for payment_id, status in self._told.items():
            if status == "approved":
                _hold(payment_id in said_yes, f"{payment_id}: approval was told and lost")
        self._orders_are_carried_out(payments)
        self._outbox_is_drained()
        self._beliefs_agree(payments, said_yes)

    # -- each step -------------------------------------------------------------------------------

    async def _look_at_the_files_first(self) -> object:
        report = verify(self._lab.world.settings.data_dir)
        _none(f"{c['name']}: {c['detail']}" for c in report["checks"] if not c["ok"])
        return await self._start_engine()

    def _stored_promises(self) -> None:
        database = self._lab.engine.engine.lab.engine_database
        checks = verify_store(database, host_view=self._authorizations)
        _none(f"{check.name}: {check.detail}" for check in checks if not check.ok)
        sums = self._engine(
            "SELECT currency, sum(CASE direction WHEN 'debit' THEN 1 ELSE -1 END * amount_minor)"
            " AS minor FROM ledger_entries GROUP BY currency"
        )
        _none(f"{row['minor']} {row['currency']} too much" for row in sums if row["minor"])

    def _one_authorization_a_tap(self) -> None:
        _none(row["tap_id"] for row in self._engine(
            "SELECT tap_id FROM payments GROUP BY tap_id HAVING count(*) > 1"
        ))  # fmt: skip
        _none(row["rrn"] for row in self._networks(
            "SELECT rrn FROM host_authorizations GROUP BY network, rrn HAVING count(*) > 1"
        ))  # fmt: skip

    def _counters_rise(self) -> None:
        on_card = {t.token_ref: t.atc for t in self._lab.world.element.tokens()}
        for token_ref, atc in on_card.items():
            _hold(atc >= self._counters.get(token_ref, 0), f"{token_ref}: counter fell to {atc}")
        self._counters |= on_card

    def _watermarks_rise(self) -> None:
        on_card = {t.token_ref: t.atc for t in self._lab.world.element.tokens()}
        for row in self._engine("SELECT token_ref, last_atc FROM token_atc"):
            token_ref, atc = row["token_ref"], row["last_atc"]
            # A token that left the phone in this step may have made one more cryptogram before.
            highest = on_card.get(token_ref, ATC_MAX)
            rises = self._watermarks.get(token_ref, 0) <= atc <= highest
            _hold(rises, f"{token_ref}: watermark {atc}, the card is at {highest}")
            self._watermarks[token_ref] = atc

    def _holds_end_once(self) -> None:
        rows = self._networks("SELECT network, rrn, state FROM host_holds")
        ended = {f"{r['network']} {r['rrn']}" for r in rows if r["state"] == ENDED_HOLD}
        _none(f"{hold} ended twice" for hold in self._ended - ended)
        self._ended = ended
        _none(row["account_id"] for row in self._networks(
            "SELECT b.account_id FROM host_balances b WHERE b.held_minor != (SELECT"
            " coalesce(sum(h.amount_minor), 0) FROM host_holds h WHERE h.state = 'held'"
            " AND h.account_id = b.account_id AND h.currency = b.currency)"
        ))  # fmt: skip

    def _never_more_than_was_sold(self) -> None:
        _none(row["id"] for row in self._engine(
            "SELECT id FROM payments WHERE NOT (refunded_minor <= captured_minor"
            " AND captured_minor <= amount_minor AND 0 <= refunded_minor)"
        ))  # fmt: skip
        _none(row["payment_id"] for row in self._engine(
            "SELECT payment_id FROM advices WHERE kind = 'completion'"
            " GROUP BY payment_id HAVING count(*) > 1"
        ))  # fmt: skip
        sums = "sum(CASE kind WHEN 'refund' THEN amount_minor ELSE 0 END)"
        _none(row["rrn"] for row in self._networks(
            f"SELECT rrn FROM host_presentments GROUP BY network, rrn HAVING {sums} >"  # noqa: S608 - our own
            " sum(CASE kind WHEN 'completion' THEN amount_minor ELSE 0 END)"
        ))  # fmt: skip

    # -- the quiet end ---------------------------------------------------------------------------

    def _holds_agree(self, payments: list[dict[str, object]]) -> None:
        approved = {
            (row["network"], row["rrn"], row["amount_minor"])
            for row in payments
            if row["state"] == "approved"
        }
        held = {
            (row["network"], row["rrn"], row["amount_minor"])
            for row in self._networks("SELECT * FROM host_holds WHERE state = 'held'")
        }
        _none(f"{hold} held for nothing" for hold in held - approved)
        _none(f"{hold} approved and not held" for hold in approved - held)

    def _orders_are_carried_out(self, payments: list[dict[str, object]]) -> None:
        """Every network has taken note, and owes what was captured less what was refunded."""
        _none(f"advice {row['id']} is open" for row in self._engine(
            "SELECT id FROM advices WHERE done_at_us IS NULL"
        ))  # fmt: skip
        _none(f"{row['id']} is {row['state']}" for row in self._engine(
            "SELECT id, state FROM refunds WHERE state != 'succeeded'"
        ))  # fmt: skip
        owed = {
            (row["network"], row["rrn"]): row["owed"]
            for row in self._networks(
                "SELECT network, rrn, sum(CASE kind WHEN 'refund' THEN -amount_minor"
                " ELSE amount_minor END) AS owed FROM host_presentments GROUP BY network, rrn"
            )
        }
        for row in payments:
            ours = row["captured_minor"] - row["refunded_minor"]
            theirs = owed.pop((row["network"], row["rrn"]), 0)
            _hold(ours == theirs, f"{row['id']}: {ours} captured, its network owes {theirs}")
        _none(f"{name} is owed for nothing" for name in owed)
        open_orders = self._lab.world.pos._memory._orders
        _none(f"the till has {order.what} of {order.payment_id} open" for order in open_orders)

    def _outbox_is_drained(self) -> None:
        stored = self._engine("SELECT seq FROM events WHERE source = 'engine' AND seq > ?",
                              self._heard_from)  # fmt: skip
        _none(f"event {row['seq']} reached nobody" for row in stored
              if row["seq"] not in self._heard)  # fmt: skip
        _none(f"message {row['id']} ({row['kind']}) was not delivered" for row in self._engine(
            "SELECT id, kind FROM device_messages WHERE delivered_at_us IS NULL"
        ))  # fmt: skip

    def _beliefs_agree(self, payments: list[dict[str, object]], said_yes: set[object]) -> None:
        known = {row["id"]: row for row in payments}
        rows = self._engine(
            "SELECT p.id, p.state, p.card_id, b.phone, b.till FROM payments p"
            " LEFT JOIN tap_beliefs b ON b.tap_id = p.tap_id"
        )
        stayed = {card.id for card in self._lab.world.wallet.cards} - self._left
        for row in rows:
            name, state, till, phone = row["id"], row["state"], row["till"], row["phone"]
            _hold((till == "approved") is (name in said_yes), f"{name} {state}, till: {till}")
            # a card that was not on the phone at the time has had no messages
            told = self._on_phone[name] and row["card_id"] in stayed
            _hold(not told or phone == _as_told(known[name]), f"{name} {state}, phone: {phone}")
        for sale in self._lab.world.pos._memory.sales:
            payment = known[sale.payment_id]
            state = "voided" if payment["voided_at_us"] else payment["state"]
            _hold(sale.state == state, f"{sale.payment_id} {state}, the till keeps {sale.state}")
            back = sale.refunded_minor
            _hold(back == payment["refunded_minor"], f"{sale.payment_id}: the till keeps {back}")

    # -- reading ---------------------------------------------------------------------------------

    async def _listen(self) -> None:
        world = self._lab.world
        self._heard_from = world_seq = self._last_seq()
        stream = EventStream(lambda: world.engine.endpoint, world.real_scheduler, world.open_socket)
        assert world_seq >= 0

        async def listen() -> None:
            async for event in stream.listen():
                if event.source == "engine":
                    _hold(event.seq not in self._heard, f"event {event.seq} was heard twice")
                    self._heard.add(event.seq)

        world.real_scheduler.spawn(listen(), "checker's stream")
        await asyncio.sleep(0.001)

    def _last_seq(self) -> int:
        rows = self._engine("SELECT max(seq) AS seq FROM events WHERE source = 'engine'")
        return int(rows[0]["seq"] or 0)

    def _authorizations(self) -> list[HostAuthorization]:
        return [
            HostAuthorization(
                network=str(row["network"]),
                rrn=str(row["rrn"]),
                approved=row["response_code"] == "00",
                reversed=row["reversed_at_us"] is not None,
            )
            for row in self._networks("SELECT * FROM host_authorizations")
        ]

    def _engine(self, sql: str, *values: object) -> list[dict[str, object]]:
        database = self._lab.engine.engine.lab.engine_database
        return [dict(row) for row in database._reader.execute(sql, values)]

    def _networks(self, sql: str, *values: object) -> list[dict[str, object]]:
        database = self._lab.engine.engine.lab.networks_database
        return [dict(row) for row in database._reader.execute(sql, values)]


def _bank_said_yes(payment: dict[str, object]) -> bool:
    """Whether the till was told yes, whatever its merchant did afterwards."""
    return payment["state"] in {"approved", "captured"} or payment["voided_at_us"] is not None


def _as_told(payment: dict[str, object]) -> object:
    """What the bank's last message to the phone says of a payment."""
    if payment["refunded_minor"]:
        return "refunded"
    return "approved" if payment["state"] == "captured" else payment["state"]


def _hold(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - the verdict
    if not holds:
        raise Broken(otherwise)


def _none(offenders: Iterable[object]) -> None:
    found = [str(offender) for offender in offenders]
    if found:
        raise Broken("; ".join(found[:5]))
