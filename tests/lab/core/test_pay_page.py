"""The page of a payment link in a real browser; the engine is a child process."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.browser import Page, browser_page
from tests.lab.core.running import Running

STATUS = "document.getElementById('status').dataset.status"
KEY = {"Authorization": "Bearer sk_test_taplab"}


async def fill_in(page: Page, number: str) -> None:
    for name, text in (("number", number), ("expiry", "12/34"), ("cvc", "123")):
        await page.value(f"document.getElementById('{name}').value = '{text}'")
    await page.click("#pay")


@pytest.mark.inv(299, 397)
def test_a_stranger_is_declined_and_pays_with_another_card(lab: Running, tmp_path: Path) -> None:
    """More than a quarter of a second: a browser starts."""
    endpoint = lab.world.engine.endpoint
    assert endpoint is not None
    order = {"amount": 1240, "currency": "usd", "description": "A cup"}
    made = httpx.post(
        f"{endpoint.url}/payment_links", json=order, headers=KEY, trust_env=False
    ).json()
    assert made["url"].startswith(endpoint.url)

    async def main() -> None:
        async with browser_page(tmp_path, made["url"]) as page:
            await page.until(f"{STATUS} === 'active'")
            assert await page.text("#merchant") == "Corner Market"
            assert await page.text("#amount") == "12.40 USD"
            await fill_in(page, "4000000000000002")
            await page.until(f"{STATUS} === 'declined'")
            await fill_in(page, "4242424242424242")
            await page.until(f"{STATUS} === 'paid'")
            assert await page.value("document.getElementById('card').hidden") is True
            assert [each for each in page.complaints if "402" not in each] == []

    asyncio.run(main())
