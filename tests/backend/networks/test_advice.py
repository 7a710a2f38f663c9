"""What a host makes of a payment that card and till have approved without it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.backend.networks.bench import Bench, Phone, bench, change, payment, phone_with
from tests.backend.networks.test_certificates import given
from tests.backend.networks.test_host import pay

POCKET = {
    "visa": "4917610000000000",
    "mastercard": "5454545454545454",
    "amex": "378734493671000",
}


def approved_data(phone: Phone, amount_minor: int, currency: str = "USD") -> bytes:
    """DE 55 with a TC (CVN 18); its results say so too."""
    return phone.chip_data(
        amount_minor,
        currency,
        **{"9F27": "40", "9F10": f"06{phone.payload['keys']['proximity']['dki']}1203900000"},
    )


async def told(
    lab: Bench, phone: Phone, amount_minor: int = 1240, *, data: bytes | None = None
) -> tuple[str | None, str]:
    data = approved_data(phone, amount_minor) if data is None else data
    request = payment(lab, phone, amount_minor, emv_data=data, approved_offline=True)
    answer = await pay(lab, request)
    return answer.response_code, answer.reason


def test_an_advice_is_booked_whatever_the_issuer_would_have_said(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            for number in (None, "4000000000009995"):
                phone = await phone_with(lab, "visa", number)
                assert await told(lab, phone, 1051) == ("00", "approved")
            assert lab.held("visa") == [1051, 1051]

    asyncio.run(main())


def test_an_advice_may_come_after_a_later_payment(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            kept = approved_data(phone, 1240)
            assert (await pay(lab, payment(lab, phone))).approved
            assert await told(lab, phone, data=kept) == ("00", "approved")
            later = payment(lab, phone, emv_data=phone.chip_data(1240, "USD"))
            assert (await pay(lab, later)).approved

    asyncio.run(main())


def test_a_cryptogram_says_what_it_is(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            asked = phone.chip_data(1240, "USD")
            assert await told(lab, phone, data=asked) == ("82", "cryptogram_is_no_tc")
            approval = payment(lab, phone, emv_data=approved_data(phone, 1240))
            assert (await pay(lab, approval)).reason == "cryptogram_is_no_arqc"

    asyncio.run(main())


@pytest.mark.parametrize("change", ["amount", "cryptogram", "results"])
def test_an_advice_that_was_changed_is_refused(change: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            data = bytearray(approved_data(phone, 1240))
            at = {"amount": b"\x9f\x37", "cryptogram": b"\x9f\x26", "results": b"\x9f\x10"}[change]
            data[data.index(at) + 6] ^= 1
            assert await told(lab, phone, data=bytes(data)) == ("82", "cryptogram_invalid")
            assert lab.held("visa") == []

    asyncio.run(main())


def test_an_advice_of_a_suspended_token_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            await change(lab.tsp, "visa", phone.grant.token_ref, "suspend")
            assert await told(lab, phone) == ("62", "token_suspended")

    asyncio.run(main())


@pytest.mark.parametrize("network", list(POCKET))
def test_a_pocket_card_gets_an_allowance_and_no_other_does(network: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path, draw_key=given()) as lab:
            number = POCKET[network]
            code = "1234" if network == "amex" else "123"
            phone = await phone_with(lab, network, number, cvv=code)
            allowance = phone.payload["allowance"]
            assert allowance["singleMinor"] <= allowance["totalMinor"]
            assert phone.payload["offline"]
            assert "allowance" not in (await phone_with(lab, network)).payload

    asyncio.run(main())
