"""Example states for the window's tests and for looking at it: what a flow might show.

Nothing here is product data; the pictures in the documentation are rendered from a running lab.
"""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

from backend.runtime.events import Event
from hardware.api import Trace, TraceLine, record_exchange
from lab.bench.comparison import compare
from lab.bench.conversation import conversation_of
from lab.bench.decisions import Ended
from lab.bench.state import Listed
from lab.console import presets
from lab.console.state import (
    BenchState,
    ConsoleState,
    Deviation,
    FaultPreset,
    FaultSpan,
    FilmMark,
    Hop,
    LastTap,
    LatencyBucket,
    LatencyPoint,
    LatencySeries,
    LedgerLine,
    NetworkTile,
    PaymentDetail,
    PaymentRow,
    ReaderView,
)
from lab.pos.state import Light, OfflineState, PosPhase, PosState, Receipt, RecentSale
from lab.wallet.state import (
    AddCardForm,
    CardView,
    DeviceView,
    HistoryRow,
    InAppSheet,
    LetterView,
    MethodView,
    PhoneScreen,
    VerifyForm,
    WalletState,
)
from lab.words import ENGLISH, Message, message, words

DIALOGUES = Path(__file__).parents[2] / "data" / "dialogues.json"
NOW_US = 1_780_000_000_000_000
EXAMPLE = "example.text"


def allow_example_words() -> None:
    """Let examples say any sentence: the flows' own sentences are not this package's."""
    words()._catalogue[EXAMPLE] = ("{text}", "{text}")


def say(text: str, kind: str = "neutral") -> Message:
    return Message(EXAMPLE, kind, (("text", text),))


CARDS = (
    CardView("c1", "ref1", "Travel", "Mastercard", "5454", "8812", "travel", "active", False),
    CardView("c2", "ref2", "Reserve", "Amex", "0005", "1199", "reserve", "active", False),
    CardView("c3", "ref3", "Everyday", "Visa", "4242", "7719", "everyday", "active", True),
)
MARKED = (
    CardView("c4", "ref4", "Plain", "Visa", "1111", "", "plain", "pending", False),
    CardView("c1", "ref1", "Travel", "Mastercard", "5454", "8812", "travel", "suspended", False),
    CARDS[1],
    CARDS[2],
)
STOPPED = (
    CardView(
        "c1", "ref1", "Travel", "Mastercard", "5454", "8812", "travel", "suspended", False,
        suspended_by=("CARDHOLDER", "ISSUER", "TOKEN_REQUESTOR"), waiting_for="reactivate",
    ),
    *CARDS[1:],
)  # fmt: skip
DEVICES = (
    DeviceView("dev_phone", "phone", "Phone", True, False, 3, 0),
    DeviceView("dev_watch", "watch", "The watch with the blue strap", False, False, 1, 0),
)
EXPRESS = (*CARDS[:2], dataclasses.replace(CARDS[2], is_express=True))
SPENT = (*CARDS[:2], dataclasses.replace(CARDS[2], is_spent=True))
TERMS = {"terms_text": "Test numbers only. No money moves.", "terms_version": "1"}
OFFER = {
    **TERMS,
    "product": "Everyday",
    "card_type": "debit",
    "designs": (("everyday", "Ripples"), ("everyday-tide", "Tide")),
    "design": "everyday-tide",
}
LETTERS = (
    LetterView("e1", say("Tea House, mail"), "21 Nov 14:02",
               say("Thank you for your order: $18.00, paid with the card ending 4242.", "good"),
               "pay_1"),
    LetterView("e2", say("Lab Bank"), "21 Nov 14:01",
               say("$12.51 at Corner Market was not paid: insufficient funds.", "bad"), "pay_2"),
    LetterView("e3", say("Lab Bank"), "21 Nov 14:00", say("E-mail: 123456 adds the card")),
)  # fmt: skip
HISTORY = (
    HistoryRow("pay_1", "Corner Market", "Today, 14:02", "$12.40", "approved"),
    HistoryRow("pay_2", "Corner Market", "Today, 14:01", "$12.51", "declined"),
    HistoryRow("pay_3", "Blue Door Coffee and Bakery", "Today, 13:58", "$5.10", "unknown"),
    HistoryRow("pay_4", "Corner Market", "Yesterday", "$8.20", "reversed"),
)


def wallet_states() -> dict[str, WalletState]:
    base = {"clock_text": "14:02", "cards": CARDS, "reader_text": "Lab reader"}
    pay = base | {"selected_id": "c3", "amount_text": "$12.40"}
    s = PhoneScreen
    return {
        "starting": WalletState(clock_text="14:02"),
        "first-start": WalletState(screen=s.FIRST_START, clock_text="14:02"),
        "stack": WalletState(screen=s.STACK, **base),
        "stack-marked": WalletState(screen=s.STACK, **(base | {"cards": MARKED, "offline": True})),
        "card-detail": WalletState(s.CARD_DETAIL, **base, selected_id="c3", history=HISTORY),
        "card-detail-empty": WalletState(s.CARD_DETAIL, **base, selected_id="c1"),
        "card-detail-suspended": WalletState(
            s.CARD_DETAIL, **(base | {"cards": STOPPED}), selected_id="c1", history=HISTORY
        ),
        "devices": WalletState(s.DEVICES, **base, devices=DEVICES),
        "devices-lost": WalletState(
            s.DEVICES,
            **base,
            devices=(DEVICES[0], dataclasses.replace(DEVICES[1], is_lost=True, stopped=1)),
            notice=say("Found. Its cards stay suspended until you reactivate them", "good"),
        ),
        "devices-none": WalletState(s.DEVICES, **base),
        "letters": WalletState(s.LETTERS, **base, letters=LETTERS),
        "letters-none": WalletState(
            s.LETTERS, **base, notice=say("The engine cannot be reached.", "bad")
        ),
        "lost": WalletState(
            s.LOST, **base, devices=(dataclasses.replace(DEVICES[0], is_lost=True, stopped=3),)
        ),
        "signed-out": WalletState(s.SIGNED_OUT, clock_text="14:02"),
        "signed-out-unheard": WalletState(
            s.SIGNED_OUT, clock_text="14:02", notice=say("The engine did not hear it.", "waiting")
        ),
        "card-detail-express": WalletState(
            s.CARD_DETAIL, **base | {"cards": EXPRESS}, selected_id="c3", history=HISTORY
        ),
        "card-detail-spent": WalletState(
            s.CARD_DETAIL, **base | {"cards": SPENT}, selected_id="c3", history=HISTORY
        ),
        "add-loading": WalletState(s.ADD_CARD, **base),
        "add-empty": WalletState(s.ADD_CARD, **base, add=AddCardForm(**TERMS)),
        "add-errors": WalletState(
            s.ADD_CARD,
            **base,
            add=AddCardForm(
                "4242 4242 4242 4241",
                "13/2",
                "12",
                "Visa",
                errors=(
                    ("number", say("This number has a typing error in it.", "bad")),
                    ("expiry", say("Month 01 to 12.", "bad")),
                    ("cvv", say("Three digits.", "bad")),
                ),
                **OFFER,
            ),
        ),
        "add-ready": WalletState(
            s.ADD_CARD,
            **base,
            add=AddCardForm(
                "4242 4242 4242 4242",
                "12/29",
                "123",
                "Visa",
                (),
                terms_accepted=True,
                can_submit=True,
                **TERMS,
            ),
        ),
        **verify_states(base | {"cards": MARKED, "selected_id": "c4"}),
        "pay-sheet": WalletState(s.PAY_SHEET, **pay),
        "pay-sheet-refused": WalletState(
            s.PAY_SHEET,
            **pay,
            notice=say("The bank said no to Travel. No money moved; try another card.", "bad"),
        ),
        "face-scan": WalletState(s.FACE_SCAN, **pay, scan="scanning"),
        "face-failed": WalletState(s.FACE_SCAN, **pay, scan="failed", scans_left=2),
        "passcode": WalletState(s.PASSCODE, **pay, scans_left=0),
        "hold-near": WalletState(s.HOLD_NEAR, **pay, armed_left_s=24),
        "read": WalletState(s.READ, **pay),
        **in_app_states(pay),
        "banner": WalletState(
            s.READ,
            **pay,
            banner=say("Approved: $12.40 at Corner Market", "good"),
            banner_payment_id="pay_1",
        ),
        "banner-declined": WalletState(
            s.STACK,
            **pay,
            banner=say("Declined: $12.51 at Corner Market. Insufficient funds.", "bad"),
            banner_payment_id="pay_2",
        ),
    }


def in_app_states(pay: dict[str, object]) -> dict[str, WalletState]:
    """A shop's sheet in every step."""
    replace = dataclasses.replace
    lines = (
        ("2 \N{MULTIPLICATION SIGN} Sencha, 100 g", "$24.00"),
        ("A shop that says it all, in one label", "$9.50"),
    )
    sheet = InAppSheet(
        "mss_1", "Tea House", lines, "$33.50", ("visa", "mastercard", "amex"), "offer"
    )
    no = message("wallet.in_app.declined", "bad", reason="insufficient_funds")
    wait = message("wallet.in_app.not_sent", "waiting", reason="breaker_open")
    steps = {
        "in-app": sheet,
        "in-app-scanning": replace(sheet, step="scanning"),
        "in-app-paying": replace(sheet, step="paying"),
        "in-app-done": replace(sheet, step="done", token_text="EC_v1 · 0a1b2c3d…"),
        "in-app-refused": replace(sheet, step="refused", notice=no),
        "in-app-not-sent": replace(sheet, step="not_sent", notice=wait),
        "in-app-pending": replace(
            sheet, step="pending", notice=message("wallet.in_app.pending", "waiting")
        ),
        "in-app-many-lines": replace(sheet, lines=lines * 6),
    }
    scans = {"in-app-scanning": "scanning", "in-app-paying": "success"}
    base = {name: value for name, value in pay.items() if name != "scan"}
    return {
        name: WalletState(
            PhoneScreen.IN_APP,
            **base,
            in_app=each,
            scan=scans.get(name, "idle"),  # type: ignore[arg-type]
        )
        for name, each in steps.items()
    }


def verify_states(base: dict[str, object]) -> dict[str, WalletState]:
    ways = (
        MethodView("sms", "•• 42", "ready"),
        MethodView("email", "k•••@mail.test", "sent"),
        MethodView("bank_app", "", "ready"),
        MethodView("call", "•• 42", "spent"),
    )
    code = VerifyForm(
        step="code",
        methods=ways,
        method="sms",
        destination="•• 42",
        code_text="4711",
        resend_in_s=24,
        sends_left=2,
        expires_in_s=574,
    )
    wrong = message("wallet.verify.code_wrong", "bad", left=2)
    replace = dataclasses.replace
    forms = {
        "verify": VerifyForm(methods=ways),
        "verify-loading": VerifyForm(busy=True),
        "verify-spent": VerifyForm(
            methods=ways, problem=Message("wallet.verify.method_spent", "bad")
        ),
        "verify-code": code,
        "verify-code-long": replace(
            code, method="call", code_digits=8, code_text="47110815", resend_in_s=0
        ),
        "verify-code-wrong": replace(code, code_text="", problem=wrong),
        "verify-expired": replace(
            code,
            method="email",
            destination="k•••@mail.test",
            expires_in_s=0,
            sends_left=0,
            problem=Message("wallet.verify.code_expired", "bad"),
        ),
        "verify-busy": replace(code, method="bank_app", code_text="471108", busy=True),
        "verify-done": VerifyForm(step="done"),
        "verify-failed": VerifyForm(step="failed"),
    }
    return {
        name: WalletState(PhoneScreen.VERIFY, verify=form, **base) for name, form in forms.items()
    }


RECEIPT = Receipt(
    "pay_1",
    (
        ("Corner Market", ""),
        ("T0000001", "14:02:07"),
        ("Visa •••• 7719", "CONTACTLESS"),
        ("AID", "A0000000031010"),
        ("ARQC", "3B9C 04D1 77A2 E5F0"),
        ("AUTH", "7F21C0"),
        ("TOTAL USD", "12.40"),
        ("APPROVED 00", ""),
    ),
)
RECENT = (
    RecentSale("pay_1", "14:02", "$12.40", "approved"),
    RecentSale("pay_2", "14:01", "$12.51", "declined"),
    RecentSale("pay_3", "13:58", "$5.10", "unknown"),
)
ON4 = (Light.ON,) * 4
FIRST = (Light.ON, Light.OFF, Light.OFF, Light.OFF)
BLINK = (Light.BLINK, Light.OFF, Light.OFF, Light.OFF)
ALERT = (Light.ALERT,) * 4


def pos_states() -> dict[str, PosState]:
    p = PosPhase
    ready, asking = say("Ready: present card or phone"), say("Card read: remove it", "neutral")
    return {
        "idle": PosState(lights=BLINK, lights_caption=say("Idle: first light blinks")),
        "amount": PosState(
            p.AMOUNT,
            amount_text="$12.40",
            can_charge=True,
            can_cancel=True,
            headline=say("Press Charge"),
            lights=BLINK,
            lights_caption=say("Idle: first light blinks"),
            recent=RECENT,
        ),
        "present": PosState(
            p.PRESENT,
            amount_text="$12.40",
            headline=say("Present card or phone"),
            lights=FIRST,
            lights_caption=ready,
            can_cancel=True,
            reader_text="Lab reader",
        ),
        "authorizing": PosState(
            p.AUTHORIZING,
            amount_text="$12.40",
            headline=say("Asking Visa…", "waiting"),
            lights=ON4,
            lights_caption=asking,
            tone="read",
            detail=say("Visa •••• 7719"),
        ),
        "approved": PosState(
            p.APPROVED,
            amount_text="$12.40",
            headline=say("Approved", "good"),
            detail=say("Visa •••• 7719 · Auth 7F21C0"),
            receipt=RECEIPT,
            recent=RECENT,
            lights_caption=say("Lights out: the card may go"),
            payment_id="pay_1",
        ),
        "approved_offline": PosState(
            p.APPROVED,
            amount_text="$12.40",
            headline=say("Approved", "good"),
            detail=say(ENGLISH["pos.offline.kept"][0], "good"),
            recent=(RecentSale("tap_1", "12:05", "$12.40", "approved offline"), *RECENT[:4]),
            lights_caption=say("Lights out: the card may go"),
        ),
        "stored": PosState(
            p.STORED,
            amount_text="$12.40",
            headline=say("Taken offline", "waiting"),
            detail=say(ENGLISH["pos.stored.kept"][0], "waiting"),
            recent=(RecentSale("tap_1", "12:05", "$12.40", "stored offline"), *RECENT[:4]),
            lights_caption=say("Lights out: the card may go"),
            offline=OfflineState(
                mode="now",
                risk=message("till.offline.risk", "waiting", count="3", amount="$41.20"),
                waiting=tuple(
                    RecentSale(f"tap_{n}", f"12:0{n}", "$12.40", "stored offline") for n in range(3)
                ),
                uploaded=2,
                lost=(RecentSale("tap_9", "11:58", "$12.51", "declined"),),
                lost_reasons=("insufficient funds",),
                limits=(50, 200, 10, 24),
            ),
        ),
        "advice_refused": PosState(
            p.APPROVED,
            amount_text="$12.40",
            headline=say("Approved", "good"),
            detail=say(
                ENGLISH["pos.offline.refused"][1].format(reason="cryptogram key index unknown"),
                "bad",
            ),
            recent=RECENT,
            lights_caption=say("Lights out: the card may go"),
        ),
        "declined": PosState(
            p.DECLINED,
            amount_text="$12.51",
            headline=say("Declined", "bad"),
            detail=say("Insufficient funds: the amount ends .51. No money moved."),
            lights=ALERT,
            lights_caption=say("Alert"),
            tone="alert",
            recent=RECENT,
        ),
        "not-completed": PosState(
            p.NOT_COMPLETED,
            amount_text="$5.10",
            headline=say("Not completed", "waiting"),
            detail=say("Do not tap again: the bank's answer is not known yet."),
            lights=ALERT,
            lights_caption=say("Alert"),
            tone="alert",
            can_cancel=True,
        ),
        "big-amount": PosState(
            p.AMOUNT,
            amount_text="¥123,456,789,012",
            can_charge=True,
            headline=say("Press Charge"),
            currency="JPY",
        ),
    }


def latency(n_per_bucket: int = 40, window_s: int = 120) -> LatencySeries:
    bucket_us = 2_000_000
    buckets, points = [], []
    for index in range(window_s // 2):
        at = NOW_US - (window_s // 2 - index) * bucket_us
        slow = 30 <= index < 48
        wave = 8 * math.sin(index * 0.9) + 5 * math.cos(index * 2.3)
        base = 118 + wave + (230 if slow else 0)
        breaker = "open" if 36 <= index < 44 else "half_open" if 44 <= index < 47 else "closed"
        few = n_per_bucket < 20 or index > 52
        n = 3 if few else n_per_bucket
        buckets.append(
            LatencyBucket(
                at,
                n,
                base,
                base * 1.5,
                base * 1.9 + wave,
                int(slow and index % 4 == 0),
                4 if breaker == "open" else 0,
                breaker,
            )
        )
        if few:
            outcomes = ("approved", "declined", "unknown")
            points += [
                LatencyPoint(
                    at + k * 500_000,
                    base * (1 + k / 3),
                    f"p{index}{k}",
                    outcomes[(index + k) % 5 % 3],
                )
                for k in range(3)
            ]
    fault = FaultSpan(
        "visa.slow", "visa.auth", "latency +250 ms · 40 %", NOW_US - 60_000_000, NOW_US - 25_000_000
    )
    return LatencySeries(
        "Visa",
        NOW_US,
        window_s,
        bucket_us,
        sum(b.n for b in buckets),
        tuple(buckets),
        tuple(points),
        (fault,),
    )


TILES = (
    NetworkTile(
        "Visa",
        "open",
        forced=False,
        retry_in_ms=11_000,
        error_rate=0.38,
        rejected=14,
        p50_ms=115,
        p95_ms=176,
        p99_ms=229,
        n=412,
    ),
    NetworkTile(
        "Mastercard",
        "half_open",
        forced=True,
        retry_in_ms=None,
        error_rate=0.12,
        rejected=3,
        p50_ms=110,
        p95_ms=161,
        p99_ms=201,
        n=88,
    ),
    NetworkTile(
        "Amex",
        "closed",
        forced=False,
        retry_in_ms=None,
        error_rate=0.0,
        rejected=0,
        p50_ms=120,
        p95_ms=182,
        p99_ms=240,
        n=67,
    ),
)
HOPS = (
    Hop("hop.card_reader", 190_000),
    Hop("hop.engine", 9_000),
    Hop("hop.fraud", 6_400),
    Hop("hop.network", 29_000),
    Hop("hop.issuer", 65_000),
    Hop("hop.database", 12_600),
)
LAST_TAP = LastTap("pay_1", 312_000, 500_000, say("approved 00", "good"), HOPS)


PULLED = {"link": "card", "effect": "pull", "at_apdu": 3, "fired": 12}
TILL_DEAF = {"link": "pos.engine", "effect": "lost_response", "fired": 1}


def faults() -> tuple[FaultPreset, ...]:
    return (
        FaultPreset(
            "visa.slow",
            "Visa: slow",
            "visa.auth",
            "latency",
            (("ms", 250.0), ("probability", 0.4)),
            on=True,
            fired=31,
        ),
        FaultPreset("visa.cut", "Visa: line cut", "visa.auth", "reset_peer", (), on=False, fired=0),
        FaultPreset("visa.bad", "Visa: garbled", "visa.auth", "corrupt", (), on=False, fired=0),
        FaultPreset("visa.mute", "Visa: no answer", "visa.auth", "timeout", (), on=False, fired=0),
        FaultPreset(
            "visa.lost",
            "Visa: answer lost",
            "visa.auth",
            "lost_response",
            (("probability", 1.0),),
            on=False,
            fired=0,
        ),
        FaultPreset(
            "bank.no",
            "Bank says no",
            "visa.issuer",
            "answer_code",
            (("code", 51.0),),
            on=False,
            fired=2,
        ),
        *presets.rows("", (PULLED, TILL_DEAF)),
    )


def payment_row(index: int) -> PaymentRow:
    outcome, state = (
        (say("Approved", "good"), "approved"),
        (say("Declined: insufficient funds", "bad"), "declined"),
        (say("Not known yet: being taken back", "waiting"), "unknown"),
    )[index % 5 % 3]
    return PaymentRow(
        f"pay_{index}",
        f"tap_{index}",
        NOW_US - index * 9_000_000,
        f"14:{59 - index % 60:02d}:07",
        f"${index % 90 + 5}.40",
        "Visa •••• 7719",
        "Visa",
        state,
        outcome,
        "read",
        state,
        state,
        synthetic=index % 4 == 3,
    )


def payment_events() -> tuple[Event, ...]:
    steps = (
        (0, "reader", "card.found", {"uid": "08A1B2C3"}),
        (
            18_000,
            "pos",
            "apdu.exchanged",
            {
                "command": "00A404000E325041592E5359532E444446303100",
                "sw": "9000",
                "response": "6F2F840E325041592E5359532E4444463031A51DBF0C1A" * 4,
            },
        ),
        (64_000, "card", "cryptogram.made", {"type": "ARQC", "atc": 41}),
        (190_000, "engine", "payment.authorizing", {"amount_minor": 1240, "currency": "USD"}),
        (
            199_000,
            "switch",
            "message.sent",
            {
                "mti": "0100",
                "fields": {"2": "************7719", "4": "000000001240", "55": "9F26…"},
            },
        ),
        (228_000, "visa", "fault.fired", {"effect": "latency", "ms": 250}),
        (300_000, "issuer", "payment.approved", {"response_code": "00", "auth_code": "7F21C0"}),
        (312_000, "ledger", "ledger.posted", {"entries": 2}),
    )
    return tuple(
        Event(n + 1, "engine", NOW_US + at, NOW_US + at, actor, kind, "pay_1", "tap_1", data=data)
        for n, (at, actor, kind, data) in enumerate(steps)
    )


PAYMENT = PaymentDetail(
    payment_row(0),
    (
        ("transaction id", "txn_01HZX4"),
        ("response code", "00"),
        ("auth code", "7F21C0"),
        ("kernel", "C-3"),
        ("ATC", "0029"),
        ("token reference", "ref3"),
    ),
    payment_events(),
    HOPS,
    (
        LedgerLine(
            "card holder's bank", "debit", "$12.40", "The bank owes the network for Everyday."
        ),
        LedgerLine("Corner Market", "credit", "$12.40", "The merchant is owed the sale."),
    ),
    "0.00 USD",
    merchant_saw=(
        ("Card number", "not in the token"),
        ("Device account", "•••• 0029"),
        ("Expires", "12/30"),
        ("Cryptogram, good once", "9F2607A1C4D25E88"),
    ),
)


def console_states() -> dict[str, ConsoleState]:
    film = tuple(
        FilmMark(
            NOW_US - k * 40_000_000,
            ("approved", "approved", "declined", "unknown")[k % 4],
            f"pay_{k}",
        )
        for k in range(12)
    )
    film = (*film, FilmMark(NOW_US - 300_000_000, "flag", text="before"))
    spans = (
        FaultSpan("visa.slow", "visa.auth", "slow", NOW_US - 200_000_000, NOW_US - 90_000_000),
    )
    session = {
        "now_us": NOW_US,
        "session_from_us": NOW_US - 600_000_000,
        "film": film,
        "fault_spans": spans,
        "next_due_us": NOW_US + 90_000_000,
        "engine": "up",
        "seed": 42,
    }
    full = session | {
        "tiles": TILES,
        "latency": latency(),
        "last_tap": LAST_TAP,
        "faults": faults(),
        "payments": tuple(payment_row(k) for k in range(30)),
        "payment": PAYMENT,
    }
    calm = tuple(
        NetworkTile(t.name, "closed", False, None, 0.0, 0, None, None, None, 0) for t in TILES
    )
    return {
        "nothing": ConsoleState(),
        "idle": ConsoleState(
            **session,
            tiles=calm,
            faults=faults(),
            latency=LatencySeries("Visa", NOW_US, 120, 2_000_000, 0),
        ),
        "busy": ConsoleState(
            **full,
            world="simulated",
            deviations=(
                Deviation("visa.slow", "fault", say("Visa latency +250 ms, 40 %", "ours")),
                Deviation("mc", "breaker", say("Breaker Mastercard half-open, forced", "ours")),
                Deviation("clock", "clock", say("clock +3 d", "ours")),
            ),
            quiet_traffic=True,
        ),
        "normal": ConsoleState(**full, toast=say("Approved: show this payment", "good")),
        "few": ConsoleState(**(full | {"latency": latency(3)})),
        "down": ConsoleState(**(full | {"engine": "down"})),
        "restarting": ConsoleState(**(full | {"engine": "restarting"})),
        "looking": ConsoleState(**full, looking_at_us=NOW_US - 120_000_000, rate=0.0),
        "unprotected": ConsoleState(**full, unprotected_keys=True, clock_moved=True, rate=10.0),
    }


def bench_states() -> dict[str, BenchState]:
    readers = (
        ReaderView("sim:", "Lab reader", "emulated", "till", "lab phone", usable=True, why=""),
        ReaderView(
            "pcsc:ACR122U",
            "ACR122U",
            "PC/SC",
            "bench",
            "",
            usable=False,
            why="The kernel module pn533_usb holds it: run tap-lab doctor.",
        ),
    )
    shown = conversation_of(
        trace_of_dialogue("visa-good"), "tap_2", "Visa \u00b74242 \u00b7 14:02:07",
        ended=Ended("online_request", "online_request"),
    )  # fmt: skip
    other = conversation_of(
        trace_of_dialogue("mastercard-good"), "tap_1", "Mastercard \u00b74444 \u00b7 14:01:31",
        ended=Ended("declined", "card_declined"),
    )  # fmt: skip
    file = conversation_of(
        trace_of_dialogue("amex-good"), "file:/x/amex.apdu", "amex.apdu", source="amex.apdu"
    )
    on_offer = tuple(Listed(each.id, each.title) for each in (shown, other))
    return {
        "nothing": BenchState(),
        "readers": BenchState(readers=readers),
        "conversation": BenchState(readers, shown, on_offer),
        "other": BenchState(readers, other, on_offer),
        "file": BenchState(readers, file, (Listed(file.id, file.title), *on_offer)),
        "two": BenchState(readers, shown, on_offer, compare(shown, other)),
    }


def trace_of_dialogue(name: str) -> Trace:
    """One of the recorded dialogues, as a masked trace."""
    recorded = json.loads(DIALOGUES.read_text(encoding="utf-8"))
    apdus = next(each["apdus"] for each in recorded if each["id"] == name)
    lines = []
    for index, pair in enumerate(apdus):
        exchange = record_exchange(
            index, bytes.fromhex(pair["c"]), bytes.fromhex(pair["r"]),
            started_us=index * 20_000, duration_us=18_000 + index * 3_100,
        )  # fmt: skip
        lines.append(
            TraceLine(
                index, index * 20_000, exchange.duration_us, exchange.masked_command,
                exchange.masked_response, exchange.name,
            )
        )  # fmt: skip
    return Trace("sim:", "", "2026-11-20T14:02:07.000000Z", None, tuple(lines))
