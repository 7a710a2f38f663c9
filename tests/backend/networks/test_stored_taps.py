"""What a network makes of taps that a till kept while it was offline: lower counters, once."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from backend.networks.counters import (
    STORED_DAYS_MAX,
    WINDOW,
    CounterVerdict,
    CounterWindow,
    is_too_old,
    window_of_before,
)
from backend.runtime.clock import to_datetime
from tests.backend.networks.bench import Bench, Phone, bench, change, payment, phone_with
from tests.backend.networks.test_host import pay


def kept(lab: Bench, phone: Phone, amount_minor: int = 1240, *, days: int = 0) -> bytes:
    """Chip data of a tap made `days` ago, signed with that day."""
    day = to_datetime(lab.clock.now_us()) - timedelta(days=days)
    return phone.chip_data(amount_minor, "USD", day=f"{day:%y%m%d}")


async def told(
    lab: Bench, phone: Phone, data: bytes, amount_minor: int = 1240, *, stored: bool = True
) -> tuple[str | None, str]:
    request = payment(lab, phone, amount_minor, emv_data=data)
    answer = await pay(lab, replace(request, stored=stored))
    return answer.response_code, answer.reason


def test_a_lower_counter_passes_when_declared_and_only_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            first, second = kept(lab, phone), kept(lab, phone)
            assert (await pay(lab, payment(lab, phone))).approved
            assert await told(lab, phone, first, stored=False) == ("05", "atc_not_higher")
            assert await told(lab, phone, second) == ("00", "approved")
            assert await told(lab, phone, first) == ("00", "approved")
            assert await told(lab, phone, first) == ("05", "atc_used")
            assert await told(lab, phone, second) == ("05", "atc_used")
            assert len(lab.held("visa")) == 3

    asyncio.run(main())


def test_the_issuer_decides_about_a_stored_tap_as_ever(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            data = kept(lab, phone, 1051)
            assert await told(lab, phone, data, 1051) == ("51", "insufficient_funds")
            forged = bytearray(kept(lab, phone))
            forged[forged.index(b"\x9f\x26") + 5] ^= 1
            assert await told(lab, phone, bytes(forged)) == ("82", "cryptogram_invalid")
            data = kept(lab, phone)
            await change(lab.tsp, "visa", phone.grant.token_ref, "suspend")
            assert await told(lab, phone, data) == ("62", "token_suspended")
            assert lab.held("visa") == []

    asyncio.run(main())


def test_a_tap_stored_for_too_long_is_refused_by_the_day_that_the_card_signed(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            old = kept(lab, phone, days=STORED_DAYS_MAX + 1)
            assert await told(lab, phone, old) == ("05", "stored_too_long")
            late = kept(lab, phone, days=STORED_DAYS_MAX - 1)
            assert await told(lab, phone, late) == ("00", "approved")

    asyncio.run(main())


def test_a_token_used_before_windows_were_kept_lends_no_lower_counter(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            low = kept(lab, phone)
            assert (await pay(lab, payment(lab, phone))).approved
            with closing(sqlite3.connect(lab.path)) as networks:
                networks.execute("DELETE FROM host_counters")
                networks.commit()
            assert await told(lab, phone, low) == ("05", "atc_used")

    asyncio.run(main())


def test_the_window_agrees_with_a_set_of_used_counters() -> None:
    """Every order of small and large steps, against the plain thing: a set."""
    steps = (1, 2, 3, WINDOW - 1, WINDOW, WINDOW + 1, 5, 200)
    window, used = CounterWindow(0, 0), set[int]()
    top = 0
    for step in steps:
        top += step
        verdict, window = window.take(top, declared=False)
        assert verdict is CounterVerdict.TAKEN
        used.add(top)
        for atc in range(max(1, top - WINDOW - 3), top + 1):
            told_, after = window.take(atc, declared=True)
            if atc in used and top - atc <= WINDOW:
                expected = CounterVerdict.USED
            elif top - atc > WINDOW:
                expected = CounterVerdict.BEYOND_WINDOW
            else:
                expected = CounterVerdict.TAKEN
            assert told_ is expected, (top, atc)
            if atc % 3 == 0 and told_ is CounterVerdict.TAKEN:
                window = after
                used.add(atc)
        assert window.used_below < 1 << WINDOW


def test_before_windows_nothing_below_the_highest_is_free() -> None:
    verdicts = {window_of_before(9).take(atc, declared=True)[0] for atc in range(1, 10)}
    assert verdicts == {CounterVerdict.USED}
    assert window_of_before(0).take(1, declared=False)[0] is CounterVerdict.TAKEN


@pytest.mark.parametrize("signed", ["000000", "261301", "ffffff"])
def test_a_day_that_is_none_is_too_old(signed: str) -> None:
    assert is_too_old(bytes.fromhex(signed), date(2026, 11, 20))
