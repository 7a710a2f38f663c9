"""The shops' page in a real browser, while the phone authorizes; the engine is a child process."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lab.wallet.state import PhoneScreen
from tests.browser import Page, browser_page
from tests.lab.core.running import Running

STATUS = "document.getElementById('status').dataset.status"


def shop_url(lab: Running) -> str:
    endpoint = lab.world.engine.endpoint
    assert endpoint is not None
    return f"{endpoint.url}/shop/"


async def order(page: Page, *goods: str) -> None:
    for good in goods:
        await page.click(f"#more-{good}")
    await page.click("#pay")
    await page.until(f"{STATUS} === 'waiting'")


@pytest.mark.inv(93, 94, 95)
def test_a_browser_buys_and_the_phone_pays(lab: Running, tmp_path: Path) -> None:
    """More than a quarter of a second: a browser starts."""
    wallet, url = lab.world.wallet, shop_url(lab)

    def phone(outcome: str) -> bool:
        lab.until(lambda: wallet.state.screen is PhoneScreen.IN_APP)
        return lab.run(wallet.scan_face(outcome))

    async def main() -> None:
        async with browser_page(tmp_path, url) as page:
            assert await page.text("#shop-name") == "Tea House"
            assert await page.value("document.getElementById('pay').disabled") is True
            await order(page, "sencha", "sencha", "genmaicha")
            assert await page.text("#total") == "$33.50"
            assert await asyncio.to_thread(phone, "success") is True
            await page.until(f"{STATUS} === 'approved'")
            receipt = await page.text("#receipt")
            assert "$33.50" in receipt
            assert "EC_v1, opened and checked by Tea House" in receipt
            await asyncio.to_thread(
                lambda: lab.until(lambda: wallet.state.screen is PhoneScreen.STACK)
            )

            await page.click("#shop-mer_paper_shop")
            await order(page, "notebook")
            assert await asyncio.to_thread(phone, "success") is True
            await page.until(f"{STATUS} === 'approved'")
            assert "RSA_v1" in await page.text("#receipt")
            await asyncio.to_thread(
                lambda: lab.until(lambda: wallet.state.screen is PhoneScreen.STACK)
            )

            await order(page, "ink")  # called off in the shop: the phone hears of it
            await asyncio.to_thread(
                lambda: lab.until(lambda: wallet.state.screen is PhoneScreen.IN_APP)
            )
            await page.click("#cancel")
            await page.until(f"{STATUS} === 'cancelled'")
            await asyncio.to_thread(
                lambda: lab.until(lambda: wallet.state.screen is PhoneScreen.STACK)
            )

            await page.click("#pay")  # and on the phone: the shop hears of it
            await page.until(f"{STATUS} === 'waiting'")
            await asyncio.to_thread(
                lambda: lab.until(lambda: wallet.state.screen is PhoneScreen.IN_APP)
            )
            await asyncio.to_thread(lambda: lab.call(wallet.close))
            await page.until(f"{STATUS} === 'cancelled'")
            assert page.complaints == []

    asyncio.run(main())
    merchants = [row.merchant_name for row in lab.run(lab.world.client.payments())]
    assert merchants[:2] == ["Paper Shop", "Tea House"]
