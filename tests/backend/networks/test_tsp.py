"""Provisioning at a network: from a sealed number to a token in a device."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from backend.networks import numbers
from backend.networks.message import decode, encode
from backend.networks.products import DESIGNS, PRODUCTS, STANDARD, product_of
from backend.networks.remote_cards import CODE_REFUSED, REMOTE_CARDS
from backend.networks.tsp_terms import Colour, combine
from backend.runtime.errors import BackendError, NotFound, StorageError, UsageError
from backend.switch import requests
from backend.switch.tsp_client import TokenGrant, TokenRefused
from backend.wallet.card_faces import _FACES, face, version
from tests.backend.networks.bench import (
    CARDS,
    ask_token,
    bench,
    change,
    payment,
    phone_with,
    sealed,
)


@pytest.mark.inv(27)
@pytest.mark.parametrize(
    ("number", "network"),
    [
        ("4242424242424242", "visa"),
        ("5555555555554444", "mastercard"),
        ("2223003122003222", "mastercard"),
        ("378282246310005", "amex"),
        ("6011111111111117", None),
        ("2720990000000000", "mastercard"),
        ("2721000000000000", None),
        ("36227206271667", None),
    ],
)
def test_the_prefix_names_the_network(number: str, network: str | None) -> None:
    assert numbers.network_of(number) == network


@pytest.mark.inv(28)
def test_luhn() -> None:
    assert numbers.is_luhn_valid("4242424242424242")
    assert not numbers.is_luhn_valid("4242424242424241")
    assert not numbers.is_luhn_valid("４２４２４２４２４２４２４２４２")  # noqa: RUF001 - full-width digits are no card number
    assert not numbers.is_luhn_valid("")
    assert all(numbers.is_luhn_valid(number) for number in numbers.TEST_CARDS)


@pytest.mark.inv(29, 30, 31, 51)
@pytest.mark.parametrize("network", ["visa", "mastercard", "amex"])
def test_a_card_becomes_a_token_in_the_device(network: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, network)
            grant, payload = phone.grant, phone.payload
            assert numbers.is_token(grant.token)
            assert numbers.is_luhn_valid(grant.token)
            assert numbers.network_of(grant.token) == network
            assert len(grant.token) == len(CARDS[network][0])
            assert grant.token_last4 == grant.token[-4:]
            assert len(grant.par) == 29
            assert grant.expiry == "3012"
            assert set(payload) == {
                "sessionId", "network", "tokenRef", "dpan", "expiry", "psn", "par",
                "tokenRequestorId", "cvn", "keys", "label", "serviceCode", "replaces",
                *(["stripe"] if network == "mastercard" else []),
            }  # fmt: skip
            assert payload["dpan"] == grant.token
            assert payload["tokenRef"] == grant.token_ref
            assert payload["cvn"] == {"visa": "12", "mastercard": "10", "amex": "01"}[network]
            assert payload["keys"]["proximity"]["dki"] == "01"
            assert payload["keys"]["remote"]["dki"] == "02"
            assert payload["keys"]["proximity"]["mk"] != payload["keys"]["remote"]["mk"]
            assert len(payload["keys"]["remote"]["mk"]) == 32

    asyncio.run(main())


@pytest.mark.parametrize(
    ("network", "label", "card_type"),
    [
        ("visa", "Everyday", "debit"),
        ("mastercard", "Travel", "credit"),
        ("amex", "Reserve", "credit"),
    ],
)
def test_published_numbers_have_a_name(
    network: str, label: str, card_type: str, tmp_path: Path
) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            grant = await ask_token(lab.tsp, network)
            assert isinstance(grant, TokenGrant)
            assert (grant.product, grant.card_type, grant.decision) == (label, card_type, "green")

    asyncio.run(main())


def test_the_same_card_in_the_same_device_keeps_its_token(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            first = await phone_with(lab, "visa")
            again = await phone_with(lab, "visa")
            watch = await phone_with(lab, "visa", device_id="dev_2")
            assert again.payload == first.payload
            assert watch.grant.token != first.grant.token
            assert watch.grant.par == first.grant.par
            await change(lab.tsp, "visa", first.grant.token_ref, "delete")
            anew = await phone_with(lab, "visa")
            assert anew.grant.token != first.grant.token

    asyncio.run(main())


@pytest.mark.parametrize(
    ("number", "changes", "code"),
    [
        ("4242424242424241", {}, "bad_number"),
        ("5555555555554444", {}, "wrong_network"),
        ("4242424242424242", {"last4": "4444"}, "last4_differs"),
        ("4242424242424242", {"expiry": "13/30"}, "bad_expiry"),
        ("4242424242424242", {"expiry": "soon"}, "bad_expiry"),
        ("4242424242424242", {"expiry": "01/20"}, "expired_card"),
        ("4242424242424242", {"cvv": "12"}, "bad_code"),
        ("4242424242424242", {"cvv": "1234"}, "bad_code"),
        ("4242424242424242", {"sealed_pan": "no.jwe"}, "not_sealed"),
        ("4000000000000069", {}, "expired_card"),
    ],
)
@pytest.mark.inv(28, 30)
def test_refusals_are_named(number: str, changes: dict, code: str, tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            refused = await ask_token(lab.tsp, "visa", number, **changes)
            assert isinstance(refused, TokenRefused)
            assert refused.code == code
            assert number not in refused.detail

    asyncio.run(main())


def test_a_number_sealed_for_another_network_is_not_opened(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            foreign = sealed(await lab.tsp.public_key("amex"), "4242424242424242")
            refused = await ask_token(lab.tsp, "visa", sealed_pan=foreign)
            assert isinstance(refused, TokenRefused)
            assert refused.code == "not_sealed"

    asyncio.run(main())


def test_a_token_cannot_stand_for_a_token(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            refused = await ask_token(lab.tsp, "visa", phone.grant.token)
            assert isinstance(refused, TokenRefused)
            assert refused.code == "number_is_token"

    asyncio.run(main())


@pytest.mark.parametrize("device_key", [{"kty": "EC"}, "text", {"kty": "oct", "k": "AAAA"}])
def test_a_device_key_that_is_none_is_refused(device_key: object, tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            odd = sealed(await lab.tsp.public_key("visa"), "4242424242424242", device_key)
            refused = await ask_token(lab.tsp, "visa", sealed_pan=odd)
            assert isinstance(refused, TokenRefused)
            assert refused.code == "bad_device_key"

    asyncio.run(main())


@pytest.mark.inv(51)
def test_a_token_can_be_suspended_resumed_and_deleted(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            host = lab.networks.hosts["visa"]
            ref = phone.grant.token_ref

            async def pay() -> tuple[str, str | None]:
                raw = await host.handle(encode(requests.authorization(payment(lab, phone))))
                answer = requests.answered(decode(raw), 0)
                return answer.response_code, answer.reason

            assert await change(lab.tsp, "visa", ref, "suspend") == "suspended"
            assert await pay() == ("62", "token_suspended")
            assert await change(lab.tsp, "visa", ref, "resume") == "active"
            assert await pay() == ("00", "approved")
            assert await change(lab.tsp, "visa", ref, "delete") == "deactivated"
            assert await pay() == ("14", "token_deactivated")
            with pytest.raises(NotFound):
                await change(lab.tsp, "visa", ref, "resume")
            with pytest.raises(NotFound):
                await change(lab.tsp, "amex", ref, "suspend")

    asyncio.run(main())


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())


@pytest.mark.inv(36)
def test_no_number_and_no_key_stands_in_the_file(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            await lab.networks.hosts["visa"].handle(
                encode(requests.authorization(payment(lab, phone)))
            )
            stored = everything_in(tmp_path)
            assert phone.grant.token_ref.encode() in stored  # the search finds what is there
            for secret in ("4242424242424242", phone.grant.token):
                assert secret.encode() not in stored
                assert bytes.fromhex(secret) not in stored
            for key in phone.payload["keys"].values():
                assert key["mk"].encode() not in stored
                assert bytes.fromhex(key["mk"]) not in stored

    asyncio.run(main())


def test_keys_and_tokens_survive_a_restart_under_the_same_vault_key_only(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            key = await lab.tsp.public_key("visa")
            token = (await phone_with(lab, "visa")).grant.token
        async with bench(tmp_path) as lab:
            assert await lab.tsp.public_key("visa") == key
            assert (await phone_with(lab, "visa")).grant.token == token
        with pytest.raises(StorageError, match="does not open"):
            async with bench(tmp_path, vault_key=bytes(32)):
                pass

    asyncio.run(main())


def test_a_ciphertext_moved_to_another_row_does_not_open(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            await phone_with(lab, "visa")
            await phone_with(lab, "visa", device_id="dev_2")
            with sqlite3.connect(lab.path) as file:
                file.execute(
                    "UPDATE host_tokens SET sealed_token = (SELECT sealed_token FROM host_tokens"
                    " WHERE device_id = 'dev_2') WHERE device_id = 'dev_1'"
                )
            file.close()
            with pytest.raises(StorageError, match="does not open"):
                await ask_token(lab.tsp, "visa")

    asyncio.run(main())


def test_a_vault_key_has_32_bytes(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path, vault_key=b"short"):
            pass

    with pytest.raises(UsageError):
        asyncio.run(main())


def test_any_red_is_red_and_all_green_is_green() -> None:
    assert combine([Colour.GREEN, Colour.GREEN]) is Colour.GREEN
    assert combine([Colour.GREEN, Colour.YELLOW]) is Colour.YELLOW
    assert combine([Colour.YELLOW, Colour.RED]) is Colour.RED


def test_a_request_that_is_none_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            with pytest.raises(NotFound, match="no network"):
                await lab.tsp.public_key("diners")
            with pytest.raises(BackendError, match="400"):
                await ask_token(lab.tsp, "visa", sealed_pan="x" * 20_000)

    asyncio.run(main())


def test_the_readme_lists_the_products_as_they_are() -> None:
    rows = [
        tuple(cell.strip() for cell in line.strip("|\n").split("|"))
        for line in Path("backend/networks/README.md").read_text().splitlines()
        if line.startswith("| ") and line[2:8].isdecimal() and line.count("|") == 5
    ]
    expected = {
        (
            ", ".join(product.ranges),
            f"{product.name}, {product.card_type}",
            ", ".join(f"`{design.id}`" for design in product.designs),
            product.terms.version,
        )
        for product in PRODUCTS
    }
    assert set(rows) == expected


def test_a_product_is_found_by_the_longest_range() -> None:
    assert product_of("4242424242424242").name == "Everyday"
    assert product_of("4000056655665556").card_type == "debit"
    assert product_of("4111111111111111") is STANDARD
    for design_id, (product, design) in DESIGNS.items():
        assert product.design(design_id) == design.id
        assert product.design("") == product.designs[0].id
        assert product.design("none") is None
    assert set(DESIGNS) == set(_FACES), "every design has its drawing"


@pytest.mark.inv(45)
def test_the_version_of_a_face_follows_the_drawing() -> None:
    versions = {version(design, product.name) for design, (product, _) in DESIGNS.items()}
    assert len(versions) == len(DESIGNS)
    assert version("everyday", "Everyday") == version("everyday", "Everyday")
    assert version("everyday", "Other") != version("everyday", "Everyday")
    assert "<script" not in face("plain", "<script>alert(1)</script>")


def test_the_readme_lists_the_test_cards_as_they_are() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|\n").split("|")]
        for line in Path("backend/networks/README.md").read_text().splitlines()
        if line.startswith("| ") and line[2:12].isdecimal()
    ]
    said = {row[0] for row in rows}
    assert said == set(numbers.TEST_CARDS) | set(REMOTE_CARDS)
    for number, product, behaviour in (row for row in rows if len(row) == 3):
        card = numbers.TEST_CARDS[number]
        assert product.startswith(card.product)
        expected = card.refusal or card.reason or "approves"
        assert expected in behaviour
        assert card.response_code is None or behaviour.startswith(card.response_code)
    for number, behaviour in (row for row in rows if len(row) == 2):
        remote = REMOTE_CARDS[number]
        refusal = CODE_REFUSED if remote.refuses_code else remote.refusal
        expected = remote.disputes_later if refusal is None else refusal.reason
        assert f"`{expected}`" in behaviour
        assert behaviour.startswith("approves" if refusal is None else refusal.response_code)
