"""What every request passes through: whose page asks, who, how often, once, and counted."""

from __future__ import annotations

import pytest

from backend.simulation import SimulatedWorld
from tests.backend.http.phone import Phone


def counted(text: str, labels: str) -> int:
    lines = [line for line in text.splitlines() if labels in line and "http_requests" in line]
    return sum(int(line.rpartition(" ")[2]) for line in lines)


@pytest.mark.inv(161)
def test_a_request_meets_origin_session_key_and_counter(
    world: SimulatedWorld, phone: Phone
) -> None:
    async def main() -> None:
        before = (await phone.client.get("/metrics")).text
        elsewhere = {"Origin": "https://elsewhere.example"}
        seen = await phone.client.get("/api/cards", headers=elsewhere)
        assert "access-control-allow-origin" not in seen.headers  # no other site reads it
        asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
        preflight = await phone.client.options("/api/cards", headers=asked)
        assert preflight.status_code == 405
        async with world.client() as nobody:
            assert (await nobody.get("/api/cards")).json()["code"] == "not_signed_in"
        order = await phone.order("visa")
        without = await phone.client.post("/api/cards", json=order)
        assert without.json()["code"] == "idempotency_key_required"
        first = await phone.send(order, "once")
        again = await phone.send(order, "once")
        assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
        after = (await phone.client.get("/metrics")).text
        posts = 'method="POST",door="api",status="2xx"'
        assert counted(after, posts) - counted(before, posts) == 2
        refused = 'method="POST",door="api",status="4xx"'
        assert counted(after, refused) - counted(before, refused) == 1
        made_up = await phone.client.request("BREW", "/teapot/1234")
        assert made_up.status_code in {404, 405}
        assert 'method="other",door="other"' in (await phone.client.get("/metrics")).text

    world.run(main())
