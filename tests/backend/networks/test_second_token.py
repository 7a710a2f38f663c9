"""A token names its card to its own wallet: at the network, whatever the wallet's server says."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from backend.networks.tsp_terms import TokenGrant, TokenRefused, TokenRequest
from backend.switch.tsp_client import TspClient
from tests.backend.networks.bench import ask_token, bench, change, phone_with

WATCH_KEY = ECKey.generate_key("P-256")


async def ask(tsp: TspClient, source: str, **changes: str) -> TokenGrant | TokenRefused:
    """Another device's token for the card behind `source`."""
    public = await tsp.public_key("visa")
    key = ECKey.import_key({name: public[name] for name in ("kty", "crv", "x", "y")})
    inside = json.dumps({"deviceKey": WATCH_KEY.as_dict(private=False)}).encode()
    values = {
        "sealed_pan": jwe.encrypt_compact({"alg": "ECDH-ES", "enc": "A256GCM"}, inside, key),
        "expiry": "", "cvv": "", "last4": "4242", "device_id": "dev_watch",
        "device_type": "watch", "wallet_id": "wal_1", "source_token_ref": source,
    }  # fmt: skip
    return await tsp.request_token("visa", TokenRequest(**{**values, **changes}))


def opened(grant: TokenGrant, key: ECKey) -> dict[str, Any]:
    plain = jwe.decrypt_compact(grant.device_payload, key).plaintext
    found: dict[str, Any] = json.loads(plain or b"")
    return found


@pytest.mark.inv(165)
def test_a_second_device_gets_its_own_token_sealed_for_its_own_key(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            first = await phone_with(lab, "visa")
            second = await ask(lab.tsp, first.grant.token_ref)
            assert isinstance(second, TokenGrant), second
            payload = opened(second, WATCH_KEY)
            assert (second.par, second.expiry) == (first.grant.par, first.grant.expiry)
            assert second.decision == "green"
            assert second.token != first.grant.token
            assert payload["keys"] != first.payload["keys"]
            state = await lab.tsp.token("visa", second.token_ref)
            assert (state.device_id, state.device_type) == ("dev_watch", "watch")
            again = await ask(lab.tsp, first.grant.token_ref)
            assert isinstance(again, TokenGrant)
            assert again.token_ref == second.token_ref, "asked for again it is the same one"

    asyncio.run(main())


@pytest.mark.inv(165)
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"wallet_id": "wal_2"}, "source_unknown"),
        ({"last4": "0005"}, "source_unknown"),
        ({"source_token_ref": "tok_nobodys"}, "source_unknown"),
        ({"source_token_ref": ""}, "not_sealed"),
        ({"sealed_pan": "a.b.c.d.e"}, "not_sealed"),
        ({"cvv": "12"}, "bad_code"),
        ({"wallet_decision": "red"}, "wallet_declined"),
    ],
)
def test_what_names_no_token_of_this_wallet_is_refused(
    tmp_path: Path, changes: dict[str, str], code: str
) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            first = await phone_with(lab, "visa")
            wanted = {"source_token_ref": first.grant.token_ref, **changes}
            refused = await ask(lab.tsp, wanted.pop("source_token_ref"), **wanted)
            assert isinstance(refused, TokenRefused), refused
            assert refused.code == code

    asyncio.run(main())


@pytest.mark.inv(165)
@pytest.mark.parametrize(("operation", "by"), [("suspend", "ISSUER"), ("delete", "CARDHOLDER")])
def test_a_token_that_was_stopped_names_no_card(tmp_path: Path, operation: str, by: str) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            first = await phone_with(lab, "visa")
            reason = "STOLEN" if operation == "suspend" else "OTHER"
            await change(lab.tsp, "visa", first.grant.token_ref, operation, by, reason)
            refused = await ask(lab.tsp, first.grant.token_ref)
            assert isinstance(refused, TokenRefused), refused
            assert refused.code == "source_unknown"

    asyncio.run(main())


def test_a_token_whose_holder_was_not_verified_names_no_card(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            waiting = await ask_token(lab.tsp, "visa", cvv="610")
            assert isinstance(waiting, TokenGrant)
            assert waiting.device_payload == ""
            refused = await ask(lab.tsp, waiting.token_ref)
            assert isinstance(refused, TokenRefused), refused
            assert refused.code == "source_unknown"

    asyncio.run(main())
