"""A merchant's program for tests: speaks `/v1` as the ordinary clients do, in a simulated world."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx

from backend.simulation import SimulatedWorld

KEY = "sk_test_taplab"
FORM = "application/x-www-form-urlencoded"
VISA = {
    "type": "card", "card[number]": "4242424242424242", "card[exp_month]": "12",
    "card[exp_year]": "2034", "card[cvc]": "123",
}  # fmt: skip


class Merchant:
    """Calls `/v1` with a secret key."""

    def __init__(self, world: SimulatedWorld, client: httpx.AsyncClient, key: str = KEY) -> None:
        self.world = world
        self.client = client
        self.key = key

    def call(
        self,
        method: str,
        path: str,
        form: Mapping[str, object] | str | bytes = "",
        *,
        key: str | None = None,
        auth: bool = True,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request; `key` is its Idempotency-Key."""
        content = form if isinstance(form, str | bytes) else urlencode(form)
        sent = {"Content-Type": FORM, **(headers or {})}
        if key is not None:
            sent["Idempotency-Key"] = key
        if auth:
            sent.setdefault("Authorization", f"Bearer {self.key}")
        if method == "GET" and content:
            path, content = f"{path}?{content}", ""
        return self.world.run(self.client.request(method, path, content=content, headers=sent))

    def post(self, path: str, form: Mapping[str, object] | str = "", **more: Any) -> dict[str, Any]:
        """A POST that has to succeed."""
        answer = self.call("POST", path, form, **more)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def get(self, path: str, form: Mapping[str, object] | str = "") -> dict[str, Any]:
        """A GET that has to succeed."""
        answer = self.call("GET", path, form)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def refused(
        self, method: str, path: str, form: Mapping[str, object] | str | bytes = "", **more: Any
    ) -> tuple[int, str | None, str | None]:
        """A request that has to be refused: status, code, parameter."""
        answer = self.call(method, path, form, **more)
        assert answer.status_code >= 400, answer.text
        error = answer.json()["error"]
        assert error["message"]
        assert error["type"].endswith("_error")
        assert answer.headers["request-id"].startswith("req_")
        return answer.status_code, error.get("code"), error.get("param")

    def paid(self, amount: int = 1240, **more: object) -> dict[str, Any]:
        """A confirmed intent."""
        form = {"amount": amount, "currency": "usd", "payment_method": "pm_card_visa", **more}
        return self.post("/v1/payment_intents", {**form, "confirm": "true"})
