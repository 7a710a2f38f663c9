"""Every place where a tap can be torn, one after the other: each ends in an outcome, none sticks.

Exhaustive, not drawn: every command of the tap by before or after the card's work by every effect
that the fault wrappers know by every image of a card. After each, the same till and the same reader
take the next tap, within 2 s of lab time.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hardware.api import (
    ENDINGS,
    INSTANT,
    PHONE,
    CardFaultPlan,
    CardLinkError,
    FaultyReader,
    TerminalConfig,
    TornLog,
    run_tap,
)
from tests.offline_issuer import Made, all_authorities

READY_AGAIN_US = 2_000_000
IMAGES = {
    "visa": ("visa", False),
    "visa with records": ("visa", True),
    "mastercard": ("mastercard", False),
    "amex": ("amex", False),
    "visa signing": ("visa", False),
    "mastercard signing": ("mastercard", False),
    "mastercard measured and signing": ("mastercard", False),
    "amex signing": ("amex", False),
}
APDUS = {
    "visa": 3,
    "visa with records": 4,
    "mastercard": 5,
    "amex": 5,
    "visa signing": 7,
    "mastercard signing": 7,
    "mastercard measured and signing": 8,
    "amex signing": 7,
}
MEASURED = "3381"
"""An interchange profile with relay resistance."""
EFFECTS: tuple[dict[str, object], ...] = (
    {"link": "card", "effect": "pull"},
    {"link": "card", "effect": "mute"},
    {"link": "card", "effect": "mute", "ms": 300},
    {"link": "card", "effect": "slow", "ms": 700},
    {"link": "card", "effect": "short_data"},
    {"link": "reader", "effect": "unplug"},
    {"link": "reader", "effect": "slow", "ms": 700},
    *(
        {"link": "card", "effect": "wrong_status", "sw": sw}
        for sw in ("6F00", "6985", "6986", "6984", "6700", "61FF", "9001")
    ),
)
RECOVERING = tuple(image for image in IMAGES if image.startswith("mastercard"))
"""Whose cards repeat a cryptogram that was torn off."""
SWEPT = 1_848
"""Places of both sweeps together."""
OUTCOMES = {
    "pull": {"try_again"},
    "mute": {"try_again"},
    "unplug": {"error"},
    "slow": {"online_request"},
}
"""Where only one thing can be said; a spoiled answer may mean more than one."""


class Tearing:
    """One phone, one till and one reader round which plans are put."""

    def __init__(self, bench: Any, image: str) -> None:
        self.bench, self.image = bench, image
        network, self.with_records = IMAGES[image]
        self.token_ref = "tok-visa" if network == "visa" else bench.install(network)
        if image.endswith("signing"):
            named = {"tokenRef": "tok-signing", "sessionId": "session-signing"}
            made = Made(network, profile=MEASURED if "measured" in image else "")
            self.token_ref = bench.install(network, **named, offline=made.document())
            bench.config = TerminalConfig(
                combinations=tuple(
                    replace(each, offline_authentication=True) for each in bench.config.combinations
                ),
                authorities=all_authorities(),
            )
        self.reader = bench.reader(PHONE)
        self.log = TornLog()
        self.recovered = False

    @property
    def counter(self) -> int:
        """The transaction counter of the phone's card."""
        tokens = self.bench.element.tokens()
        return next(each.atc for each in tokens if each.token_ref == self.token_ref)

    def tap(self, run: Any, *tables: dict[str, object]) -> tuple[str, str]:
        """Arm, present, tap under these faults, withdraw: outcome and reason."""
        bench = self.bench
        bench.arm(self.token_ref)
        plan = CardFaultPlan.from_tables(
            tables, stream=bench.stream, clock=bench.time, scheduler=bench.time
        )
        faulty = FaultyReader(self.reader, plan)
        self.reader.present(bench.element.card(with_records=self.with_records))
        try:
            link = run(faulty.wait_for_card(1))
            result = run(
                run_tap(
                    link,
                    bench.config,
                    bench.request,
                    clock=bench.time,
                    stream=bench.stream,
                    torn=self.log,
                )
            )
        except CardLinkError as broken:
            return "not begun", type(broken).__name__
        finally:
            self.reader.withdraw()
        assert not tables or not plan.never_fired()
        family = result.reason if result.reason in ENDINGS else result.reason.split("_")[0]
        assert result.outcome is ENDINGS[family].outcome
        assert result.steps[-1] == "outcome"
        self.recovered = result.recovered
        if result.outcome != "online_request":
            assert (result.token, result.emv_data) == ("", b"") or result.outcome == "declined"
        return str(result.outcome), result.reason


@pytest.mark.parametrize("image", IMAGES)
def test_torn_at_every_command_the_till_says_so_and_takes_the_next(
    bench: Any, run: Any, image: str
) -> None:
    """Over 0.25 s: more than a hundred pairs of taps."""
    tearing = Tearing(bench, image)
    whole = tearing.tap(run)
    assert whole == ("online_request", "online_request")
    counter = tearing.counter
    for at in range(1, APDUS[image] + 1):
        for when in ("before", "after"):
            for effect in EFFECTS:
                table = effect | {"at_apdu": at, "moment": when}
                outcome, reason = tearing.tap(run, table)
                expected = OUTCOMES.get(str(effect["effect"]))
                assert expected is None or outcome in expected, (table, outcome, reason)
                finished_us = bench.time.monotonic_us()
                assert tearing.tap(run) == whole, table
                assert bench.time.monotonic_us() - finished_us < READY_AGAIN_US
                # The counter never runs back: each tap spent at most one number.
                now = tearing.counter
                spends_once = effect["effect"] in {"pull", "mute", "unplug"} and image in RECOVERING
                assert 0 <= now - counter <= (1 if spends_once else 2), table
                counter = now


@pytest.mark.parametrize("image", RECOVERING)
def test_torn_while_recovering_the_till_says_so_and_takes_the_next(
    bench: Any, run: Any, image: str
) -> None:
    """Over 0.25 s: three taps for each of hundreds of places."""
    tearing = Tearing(bench, image)
    whole = tearing.tap(run)
    last = APDUS[image]
    for at in range(1, last + 1):
        for when in ("before", "after"):
            for effect in EFFECTS:
                counter = tearing.counter
                tearing.tap(run, {"link": "card", "effect": "pull", "at_apdu": last})
                assert tearing.counter == counter + 1
                table = effect | {"at_apdu": at, "moment": when}
                outcome, reason = tearing.tap(run, table)
                expected = OUTCOMES.get(str(effect["effect"]))
                assert expected is None or outcome in expected, (table, outcome, reason)
                recovered = tearing.recovered
                assert tearing.tap(run) == whole, table
                if effect["effect"] in {"pull", "mute", "unplug"}:
                    # Neither tap made a new cryptogram: the last one had still the first one's.
                    assert (tearing.recovered, tearing.counter) == (True, counter + 1), table
                elif recovered:
                    assert (tearing.recovered, tearing.counter) == (False, counter + 2), table
                assert tearing.counter <= counter + 3, table


def test_the_sweep_is_as_large_as_the_readme_says() -> None:
    places = 2 * len(EFFECTS)
    torn = places * (sum(APDUS.values()) + sum(APDUS[image] for image in RECOVERING))
    assert torn == SWEPT
    assert f"{SWEPT:,} places" in Path("README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("image", IMAGES)
def test_a_second_card_before_the_first_command_is_a_collision(
    bench: Any, run: Any, image: str
) -> None:
    tearing = Tearing(bench, image)
    for link in ("card", "reader"):
        torn = tearing.tap(run, {"link": link, "effect": "collision"})
        assert torn == ("not begun", "CardCollision")
        assert tearing.tap(run)[0] == "online_request"


def test_an_empty_phone_can_be_torn_too(bench: Any, run: Any) -> None:
    bench.element.remove("tok-visa")
    for when in ("before", "after"):
        for effect in EFFECTS:
            plan = CardFaultPlan.from_tables(
                [effect | {"at_apdu": 1, "moment": when}],
                stream=bench.stream,
                clock=bench.time,
                scheduler=bench.time,
            )
            reader = bench.reader(INSTANT)
            reader.present(bench.element.card())
            link = run(FaultyReader(reader, plan).wait_for_card(1))
            result = bench.tap(link)
            assert result.outcome in {"try_again", "error", "use_another_card"}
            assert bench.tap(bench.link()).reason == "no_ppse"
