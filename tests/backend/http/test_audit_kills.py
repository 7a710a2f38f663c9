"""A killed engine has a line for everything that it did, and none for what it did not."""

from pathlib import Path

import pytest

from backend.api import simulated
from backend.storage.audit_rows import Wanted, page
from backend.storage.verify import verify
from tests.backend.http.phone import Phone
from tests.backend.http.test_token_lifecycle import survived


@pytest.mark.inv(146, 148, 149)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_change_and_line_are_killed_or_kept_together(tmp_path: Path, moment: str) -> None:
    with simulated(13, tmp_path / "lab") as world:
        phone = Phone(world.client())
        world.run(phone.sign_in())
        card = world.run(phone.add_card("visa"))
        world.process.crash_at(1, "before" if moment == "before" else "after")
        world.run(survived(phone.client.post(f"/api/cards/{card['id']}/suspend")))
        assert not world.process.is_up
        world.run(world.process.start())
        store = world.engine.lab.engine_database
        lines = store.read(lambda tx: page(tx, 2**62, 9, Wanted(action="card.suspended")))
        (now,) = world.run(phone.client.get("/api/cards")).json()["cards"]
        is_done = moment == "after"
        assert (now["status"] == "suspended", len(lines)) == (is_done, int(is_done))
        checks = {check.name: check.ok for check in verify(store)}
        assert checks["audit hash chain"]
        world.run(phone.client.aclose())
