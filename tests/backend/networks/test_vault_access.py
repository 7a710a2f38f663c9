"""The vault access log: every opening of a number is a line, and no line can change or go."""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import backend.networks
from backend.api import simulated, verify
from backend.networks.access_log import AccessHead, AccessLine, Purpose, line_hash
from backend.networks.message import encode
from backend.simulation import SimulatedWorld
from backend.storage import host_access_rows
from backend.storage.database import Database
from backend.storage.migrate import migrate_engine, prepare_hosts
from backend.switch import requests
from tests.backend.http.phone import Phone as DevicePhone
from tests.backend.networks.bench import CARDS, ask_token, bench, change, payment, phone_with

LINE = AccessLine(5, "visa", "authorize", "number", "acc_1", "tok_1")


def lines_of(folder: Path) -> list[sqlite3.Row]:
    database = Database(folder / "networks.db", inline=True)
    try:
        assert database.read(host_access_rows.breaks) == []
        return database.read(lambda tx: list(host_access_rows.all_lines(tx)))
    finally:
        database.close()


@pytest.mark.inv(147)
def test_whatever_opens_a_number_is_on_record(tmp_path: Path) -> None:
    async def main() -> tuple[str, str]:
        async with bench(tmp_path) as lab:
            phone = await phone_with(lab, "visa")
            ref = phone.grant.token_ref
            for _ in range(2):  # the second time the issuer's card is known already
                raw = encode(requests.authorization(payment(lab, phone)))
                await lab.networks.hosts["visa"].handle(raw)
            await change(lab.tsp, "visa", ref, "replace-card", "ISSUER")
            return ref, (await lab.tsp.refresh_token("visa", ref)).token_ref

    ref, fresh = asyncio.run(main())
    lines = lines_of(tmp_path)
    account = lines[1]["record"]
    assert account.startswith("acc_")
    assert [(row["purpose"], row["field"], row["record"], row["token_ref"]) for row in lines] == [
        ("provision", "token", ref, ref),
        ("authorize", "number", account, ref),
        ("replace-card", "number", account, ref),
        ("refresh", "token", fresh, fresh),
    ]
    assert all(row["network"] == "visa" and row["at_us"] > 0 for row in lines)
    assert not re.search(r"\d{12}", repr([tuple(row)[2:-1] for row in lines])), "no digits"


@pytest.mark.inv(147)
def test_a_number_that_is_not_opened_leaves_no_line(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as lab:
            await ask_token(lab.tsp, "visa", last4="0000")
            raw = encode(requests.authorization(payment(lab, await phone_with(lab, "amex"))))
            spoiled = raw.replace(b"1240", b"1250")
            await lab.networks.hosts["amex"].handle(spoiled)

    asyncio.run(main())
    assert [row["network"] for row in lines_of(tmp_path)] == ["amex"]


@pytest.mark.inv(147)
def test_there_is_one_door_to_the_numbers() -> None:
    """A module that read a sealed number past it would open it unseen."""
    folder = Path(backend.networks.__file__).parent
    readers = {
        path.name
        for path in folder.rglob("*.py")
        if re.search(r"\.sealed_(number|token)\b", path.read_text(encoding="utf-8"))
    }
    assert readers == {"number_access.py"}


def folder_with_lines(folder: Path) -> Path:
    migrate_engine(folder / "engine.db")
    prepare_hosts(folder / "networks.db")
    database = Database(folder / "networks.db", inline=True)
    for number in range(4):
        line = AccessLine(number, "visa", "provision", "token", f"tok_{number}", f"tok_{number}")
        asyncio.run(database.write(lambda tx, line=line: host_access_rows.add(tx, line)))
    database.close()
    return folder


def checked(folder: Path) -> tuple[bool, str]:
    (found,) = [each for each in verify(folder)["checks"] if each["name"] == "vault access log"]
    return found["ok"], found["detail"]


@pytest.mark.inv(147)
@pytest.mark.parametrize(
    ("damage", "where"),
    [
        ("UPDATE host_vault_accesses SET purpose = 'refresh' WHERE id = 2", "line 2"),
        ("UPDATE host_vault_accesses SET at_us = at_us + 1 WHERE id = 1", "line 1"),
        ("DELETE FROM host_vault_accesses WHERE id = 3", "line 4"),
        ("DELETE FROM host_vault_accesses WHERE id > 2", "lines 3 to 4 are missing"),
    ],
)
def test_a_line_that_was_changed_or_cut_off_is_missed(
    damage: str, where: str, tmp_path: Path
) -> None:
    folder = folder_with_lines(tmp_path)
    assert checked(folder) == (True, "the chain holds")
    with closing(sqlite3.connect(folder / "networks.db")) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(damage)
        for change_ in ("update", "delete"):
            connection.execute(f"DROP TRIGGER tr_host_vault_accesses_no_{change_}")
        connection.execute(damage)
        connection.commit()
    assert checked(folder) == (False, where)


@pytest.mark.inv(147)
def test_networks_that_run_apart_are_checked_by_themselves(tmp_path: Path) -> None:
    folder = folder_with_lines(tmp_path)
    (folder / "engine.db").unlink()
    assert checked(folder) == (True, "the chain holds")
    with closing(sqlite3.connect(folder / "networks.db")) as connection:
        connection.execute("DROP TRIGGER tr_host_vault_accesses_no_delete")
        connection.execute("DELETE FROM host_vault_accesses WHERE id = 4")
        connection.commit()
    assert checked(folder) == (False, "lines 4 to 4 are missing")


def test_a_networks_file_from_before_the_log_passes(tmp_path: Path) -> None:
    folder = folder_with_lines(tmp_path)
    with closing(sqlite3.connect(folder / "networks.db")) as connection:
        connection.execute("DROP TABLE host_vault_accesses")
        connection.commit()
    assert checked(folder)[0]


def test_every_field_is_in_the_hash() -> None:
    head = AccessHead()
    changed = [
        AccessLine(
            *("x" if name == field else getattr(LINE, name) for name in AccessLine.__slots__)
        )
        for field in AccessLine.__slots__
    ]
    assert len({line_hash(head, line) for line in [LINE, *changed]}) == len(changed) + 1
    assert line_hash(AccessHead(1), LINE) != line_hash(head, LINE)
    assert {purpose.value for purpose in Purpose} >= {LINE.purpose}
    assert CARDS["visa"][0] not in repr(LINE)


@pytest.mark.inv(147)
def test_the_log_can_be_read_in_the_laboratory(tmp_path: Path) -> None:
    async def main(world: SimulatedWorld) -> None:
        async with world.client() as client:
            phone = DevicePhone(client)
            await phone.sign_in()
            cards = [await phone.add_card(network) for network in ("visa", "amex")]
            newest, older = (await client.get("/lab/vault-accesses")).json()["accesses"]
            assert [each["token_ref"] for each in (older, newest)] == [
                card["tokenRef"] for card in cards
            ]
            asked = f"?limit=1&before_id={newest['id']}&token_ref={older['token_ref']}"
            page = (await client.get(f"/lab/vault-accesses{asked}")).json()["accesses"]
            assert page == [older]
            assert (await client.get("/lab/vault-accesses?limit=0")).status_code == 400
        async with world.client(with_token=False) as nobody:
            assert (await nobody.get("/lab/vault-accesses")).status_code == 401

    with simulated(7, tmp_path / "lab") as world:
        world.run(main(world))
