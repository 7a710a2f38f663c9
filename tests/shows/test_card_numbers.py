"""No clear card number in any stored byte, after a whole session; and a search that would find one.

The search is shown to work first: a number planted in each kind of file and in each encoding must
be found. Then a session does what people do, and everything it wrote is searched for every number
it knew: the cards' own and the device account numbers that stand for them.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from lab.cli import main
from lab.commands.world import save
from lab.pos.state import PosPhase
from tests.shows.laboratory import Laboratory, tap_lab

PLANTED = "4000056655665556"
TYPED = "4111111111111111"  # added by hand in the form; the demo cards come beside it
DEMO = ("4242424242424242", "5555555555554444", "378282246310005")
SHOP_CARDS = {  # typed into a shop, with their security codes: paid, refused, and another network's
    "4000056655665556": "123", "4000000000009995": "123", "378282246310005": "1234",
}  # fmt: skip
DEPTH_MAX = 4


def disguises(number: str) -> dict[str, bytes]:
    """The number's bytes as a file might hold them."""
    text = number.encode()
    packed = bytes.fromhex(number.ljust(len(number) + len(number) % 2, "F"))
    grouped = " ".join(number[at : at + 4] for at in range(0, len(number), 4))
    found = {
        "ascii": text,
        "grouped": grouped.encode(),
        "utf-16": number.encode("utf-16-le"),
        "packed BCD": packed,
        "hex of packed BCD": packed.hex().encode(),
        "HEX of packed BCD": packed.hex().upper().encode(),
        "hex of ascii": text.hex().encode(),
        "base64 of packed BCD": base64.b64encode(packed).rstrip(b"=")[:-1],
    }
    for shift in range(3):  # base64 of a number that begins anywhere in a longer text
        head = base64.b64encode(b"\0" * shift + text)[(0, 2, 3)[shift] :]
        found[f"base64 at {shift}"] = head.rstrip(b"=")[:-1]
    return found


def readings(name: str, content: bytes, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """The bytes as they are, and what is packed in them."""
    yield name, content
    if depth >= DEPTH_MAX:
        return
    if content[:2] == b"\x1f\x8b":
        yield from readings(f"{name}|gzip", gzip.decompress(content), depth + 1)
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for inner in archive.namelist():
                yield from readings(f"{name}|{inner}", archive.read(inner), depth + 1)


def search(files: dict[str, bytes], numbers: set[str]) -> list[str]:
    """Where a number lies open: file, encoding, last four digits."""
    found = []
    wanted = {
        (number[-4:], how): raw for number in numbers for how, raw in disguises(number).items()
    }
    for file, content in files.items():
        for name, reading in readings(file, content):
            found += [
                f"{name}: {how} of …{l4}" for (l4, how), raw in wanted.items() if raw in reading
            ]
    return found


def files_under(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# -- the search finds what is there --------------------------------------------------------------


def _in_database(folder: Path, number: str) -> None:
    with contextlib.closing(sqlite3.connect(folder / "engine.db")) as database:
        database.execute("CREATE TABLE t (x TEXT)")
        database.execute("INSERT INTO t VALUES (?)", (number,))
        database.commit()


def _in_log_ahead(folder: Path, number: str) -> None:
    """A number that only the WAL holds: the connection stays open, nothing is checkpointed."""
    database = sqlite3.connect(folder / "wal.db")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA wal_autocheckpoint=0")
    database.execute("CREATE TABLE t (x TEXT)")
    database.execute("INSERT INTO t VALUES (?)", (number,))
    database.commit()
    (folder / "copy.db-wal").write_bytes((folder / "wal.db-wal").read_bytes())
    database.close()
    (folder / "wal.db").unlink()


def _in_log(folder: Path, number: str) -> None:
    (folder / "engine.log").write_text(f"2026-01-01 INFO token={number} refused\n")


def _in_trace(folder: Path, number: str) -> None:
    (folder / "a.apdu").write_text(f"> 00B2010C00\n< 70125A08{number}5F24033012319000\n")


def _in_track(folder: Path, number: str) -> None:
    (folder / "b.apdu").write_bytes(bytes.fromhex(f"5713{number}D3012201000000000F"))


def _in_json(folder: Path, number: str) -> None:
    sealed = base64.b64encode(json.dumps({"v": 1, "pan": number}).encode()).decode()
    (folder / "phone.json").write_text(json.dumps({"blob": sealed}))


def _in_gzip(folder: Path, number: str) -> None:
    (folder / "old.log.gz").write_bytes(gzip.compress(number.encode()))


def _in_world(folder: Path, number: str) -> None:
    with zipfile.ZipFile(folder / "saved.taplab", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("engine.db", b"x" * 500 + number.encode("utf-16-le") + b"y" * 500)
        archive.writestr("old.gz", gzip.compress(b"nothing"))


PLANTS = [
    _in_database, _in_log_ahead, _in_log, _in_trace, _in_track, _in_json, _in_gzip, _in_world,
]  # fmt: skip


@pytest.mark.inv(29)
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_number_is_found(tmp_path: Path, plant: Callable[[Path, str], None]) -> None:
    plant(tmp_path, PLANTED)
    assert search(files_under(tmp_path), {PLANTED})
    assert not search(files_under(tmp_path), {"4012888888881881"})


@pytest.mark.parametrize("how", disguises(PLANTED))
@pytest.mark.parametrize("shift", range(4))
def test_a_planted_number_is_found_in_every_disguise(how: str, shift: int) -> None:
    content = b"\x00" * shift + disguises(PLANTED)[how] + b"rest"
    assert search({"file": content}, {PLANTED})


# -- a whole session ------------------------------------------------------------------------------


@pytest.mark.inv(29)
def test_a_whole_session_stores_no_card_number(own_lab: Laboratory, tmp_path: Path) -> None:
    world, running = own_lab.world, own_lab.running
    numbers = {TYPED, *DEMO}

    running.call(world.wallet.begin_add)
    for name, typed in (("number", TYPED), ("expiry", "1230"), ("cvv", "123"), ("terms", "1")):
        running.call(lambda name=name, typed=typed: world.wallet.edit_add(name, typed))
    running.until(lambda: world.wallet.state.add.can_submit)
    card = own_lab.run(world.wallet.submit_add())
    assert card is not None
    own_lab.run(world.wallet.start_with_demo_cards())

    def tap(amount_minor: int, card_id: str) -> PosPhase:
        sale = own_lab.run(world.hands.tap(amount_minor, "USD", card_id))
        if sale.tap is not None and sale.tap.token:
            numbers.add(sale.tap.token)
        running.call(world.wallet.close)
        return sale.phase

    cards = {each.network: each.id for each in world.wallet.cards if each.last4 != card.last4}
    assert tap(1240, card.id) is PosPhase.APPROVED
    assert tap(1251, card.id) is PosPhase.DECLINED
    assert tap(1240, cards["visa"]) is PosPhase.APPROVED
    assert tap(1240, cards["mastercard"]) is PosPhase.APPROVED
    assert tap(1240, cards["amex"]) is PosPhase.APPROVED
    for effect in ("corrupt", "reset_peer", "lost_response", "lost_request"):
        own_lab.faults({"link": "visa.auth", "effect": effect, "when": {"nth": 1}})
        tap(1300, card.id)
    own_lab.run(world.client.reset_faults())
    own_lab.run(world.client.move_clock({"jump_s": 60}))

    dpans = numbers - {TYPED, *DEMO}
    assert len(dpans) == 4  # one for each card that was read to the end
    order = own_lab.orders([1])[0]
    numbers |= {order.token, "4012888888881881", "4000056655665556"}
    assert own_lab.pay(order, "till-1").json()["approved"]
    broken = {**order.to_json(), "token": order.token[:-1] + "x"}
    assert own_lab.pay(broken, "till-2").status_code == 400
    swapped = {**order.to_json(), "token": "4242424242424242"}
    assert not own_lab.pay(swapped, "till-3").json()["approved"]  # a card's number is no token

    out = tmp_path / "out"
    out.mkdir()
    own_lab.run(save(world, out / "world.taplab"))
    during = files_under(own_lab.folder)  # with WAL files and all
    assert any(name.endswith("-wal") and content for name, content in during.items())
    assert sum(name.endswith(".apdu") for name in during) >= 7
    for name in ("state", "payments", "audit", "ledger", "faults"):
        (out / f"{name}.json").write_bytes(own_lab.send("GET", f"/lab/{name}").content)
    for payment in own_lab.send("GET", "/lab/payments").json()["payments"]:
        detail = own_lab.send("GET", f"/lab/payments/{payment['id']}")
        (out / f"{payment['id']}.json").write_bytes(detail.content)
    own_lab.stop()
    assert search(during, numbers) == []
    assert search(files_under(own_lab.folder), numbers) == []
    assert search(files_under(out), numbers) == []


@pytest.mark.inv(9, 24, 316)
def test_a_shops_cards_lie_sealed_in_the_vault_alone(own_lab: Laboratory, tmp_path: Path) -> None:
    """Typed into a shop, kept, paid with while the keys turn, refused, misspelt."""

    def v1(path: str, **form: str) -> httpx.Response:
        bearer = {"Authorization": "Bearer sk_test_taplab"}
        return own_lab.send("POST", f"/v1/{path}", data=form, headers=bearer)

    said = []
    for number, code in SHOP_CARDS.items():
        card = {"card[number]": number, "card[exp_month]": "12", "card[exp_year]": "2034"}
        method = v1("payment_methods", type="card", **card, **{"card[cvc]": code})
        assert method.status_code == 200, method.text
        for _ in range(2):
            order = {"amount": "1240", "currency": "usd", "confirm": "true"}
            paid = v1("payment_intents", payment_method=method.json()["id"], **order)
            assert paid.status_code in {200, 402}, paid.text
            said += [method.content, paid.content]
            said.append(own_lab.send("POST", "/lab/vault/rotate").content)
        wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
        refused = v1("payment_methods", type="card", **{**card, "card[number]": wrong})
        assert refused.status_code == 402, refused.text
        said.append(refused.content)
    assert own_lab.send("GET", "/lab/vault").json()["cards"] == len(SHOP_CARDS)
    for name in ("vault", "state", "payments", "audit", "ledger"):
        said.append(own_lab.send("GET", f"/lab/{name}").content)
    own_lab.run(save(own_lab.world, tmp_path / "world.taplab"))
    during = files_under(own_lab.folder)
    own_lab.stop()
    for files in (during, files_under(own_lab.folder), files_under(tmp_path)):
        assert files
        assert search(files, set(SHOP_CARDS)) == []
    assert search({str(at): each for at, each in enumerate(said)}, set(SHOP_CARDS)) == []


def test_the_command_line_prints_no_card_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = b""
    for arguments in (
        ["tap", "--amount", "12.40", "--json", "--profile", "instant"],
        ["tap", "--amount", "12.51", "--profile", "instant"],
    ):
        ran = tap_lab(*arguments, data_dir=tmp_path / "lab")
        said += (ran.stdout + ran.stderr).encode()
    traces = sorted((tmp_path / "lab" / "traces").glob("*.apdu"))
    assert len(traces) == 2
    assert main(["trace", "show", str(traces[0])]) == 0
    assert main(["trace", "export", str(traces[0]), "--format", "json"]) == 0
    printed = capsys.readouterr()
    said += (printed.out + printed.err).encode()
    assert b"approved" in said
    assert search({"said": said, **files_under(tmp_path)}, set(DEMO)) == []
