"""The card vault: what goes in comes out sealed for its network only, as long as the keys turn."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.runtime.errors import BadRequest, StorageError
from backend.vault import card_sealing
from backend.vault.card_entry import CardEntry, StoredCard
from tests.backend.vault.conftest import MERCHANT, VaultBench
from tests.backend.vault.strategies import entries

SAME_BENCH = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.inv(311, 312, 313)
@SAME_BENCH
@given(entry=entries())
def test_what_is_kept_is_read_by_its_network_alone(bench: VaultBench, entry: CardEntry) -> None:
    card = bench.keep(entry)
    assert (card.network, card.last4) == (entry.network, entry.number[-4:])
    read = bench.read(card)
    assert read["pan"] == entry.number
    assert read.get("code") == (entry.cvc if entry.cvc is not None else read.get("code"))
    stored = bench.database._writer.execute("SELECT * FROM vault_cards").fetchall()
    assert entry.number not in repr([tuple(row) for row in stored])


@pytest.mark.inv(314)
@SAME_BENCH
@given(data=st.data())
def test_every_record_is_readable_however_often_the_keys_turn(
    bench: VaultBench, data: st.DataObject
) -> None:
    kept: dict[str, tuple[StoredCard, str]] = {}
    for step in data.draw(st.lists(st.sampled_from(["keep", "rotate", "restart"]), max_size=8)):
        match step:
            case "keep":
                entry = data.draw(entries())
                card = bench.keep(entry)
                kept[card.id] = (card, entry.number)
            case "rotate":
                bench.rotate()
            case _:
                bench.open()
        for card, number in kept.values():
            assert bench.read(card)["pan"] == number
    keys = bench.database.read(bench.rows.keys)
    assert len({key.kek for key in keys}) <= 1


@pytest.mark.inv(317)
def test_the_same_card_has_the_same_fingerprint_and_one_record_a_merchant(
    bench: VaultBench,
) -> None:
    entry = CardEntry("4242424242424242", 12, 2030, "123")
    first = bench.keep(entry)
    assert bench.keep(entry) == first
    bench.rotate()
    assert bench.keep(replace(entry, number="4242 4242-4242 4242")) == first
    others = bench.keep(entry, "mer_other")
    newer = bench.keep(replace(entry, exp_year=2031))
    assert len({first.id, others.id, newer.id}) == 3
    assert first.fingerprint == others.fingerprint == newer.fingerprint
    assert bench.keep(CardEntry("5555555555554444", 12, 2030)).fingerprint != first.fingerprint
    assert bench.read(first)["pan"] == "4242424242424242"


def test_a_fingerprint_is_no_plain_hash(bench: VaultBench, tmp_path: Path) -> None:
    """A digest of the number alone is found by trying all numbers (C52)."""
    card = bench.keep(CardEntry("4242424242424242", 12, 2030))
    other = VaultBench(tmp_path / "..")
    other.vault._ports = replace(other.vault._ports, fingerprint_key=b"g" * 32)
    assert other.vault._fingerprint("4242424242424242") != card.fingerprint
    other.close()


def test_an_expired_card_is_not_kept(bench: VaultBench) -> None:
    with pytest.raises(BadRequest) as refused:
        bench.keep(CardEntry("4242424242424242", 8, 2026))
    assert refused.value.code == "expired_card"
    assert bench.audit() == []


@pytest.mark.inv(147)
def test_every_access_is_a_line_of_the_audit_trail(bench: VaultBench) -> None:
    card = bench.keep(CardEntry("4242424242424242", 12, 2030, "123"))
    bench.read(card)
    bench.rotate()
    lines = bench.audit()
    assert [(action, where) for action, where, _ in lines] == [
        ("card.kept", card.id), ("card.opened", card.id), ("vault.rotated", "kek_2"),
    ]  # fmt: skip
    assert '"purpose":"test"' in lines[1][2]
    assert '"payment_id":"pay_1"' in lines[1][2]
    assert "4242424242424242" not in repr(lines)


def test_a_record_moved_to_another_card_does_not_open(bench: VaultBench) -> None:
    mine = bench.keep(CardEntry("4242424242424242", 12, 2030, "123"))
    victim = bench.keep(CardEntry("5555555555554444", 12, 2030, "321"))
    both = (victim.id, mine.id)
    bench.change(
        "UPDATE vault_codes SET sealed_code ="
        " (SELECT sealed_code FROM vault_codes WHERE card_id = ?) WHERE card_id = ?",
        *both,
    )
    with pytest.raises(StorageError, match="the code of"):
        bench.read(mine)
    bench.change("DELETE FROM vault_codes")
    assert bench.read(mine)["pan"] == "4242424242424242"
    bench.change(
        "UPDATE vault_cards SET sealed_number ="
        " (SELECT sealed_number FROM vault_cards WHERE id = ?) WHERE id = ?",
        *both,
    )
    with pytest.raises(StorageError, match="the number of"):
        bench.read(mine)


def test_a_number_does_not_open_as_a_code(bench: VaultBench) -> None:
    card = bench.keep(CardEntry("4242424242424242", 12, 2030, "123"))
    row = bench.database.read(lambda tx: bench.rows.card(tx, card.id))
    assert row is not None
    key = bench.database.read(lambda tx: bench.keys.open(bench.keys.row(tx, row.key_version)))
    opened = card_sealing.opened(key, row.sealed_number, card.id, card_sealing.NUMBER)
    assert opened == "4242424242424242"
    with pytest.raises(StorageError):
        card_sealing.opened(key, row.sealed_number, card.id, card_sealing.CODE)


def test_a_unit_that_was_undone_leaves_no_key_behind(bench: VaultBench) -> None:
    """The first data key is made with the first card; undone with it, it must not be remembered."""

    class Undone(Exception):
        pass

    def keep_and_undo(tx) -> None:
        bench.vault.keep(tx, MERCHANT, CardEntry("4242424242424242", 12, 2030))
        raise Undone

    with pytest.raises(Undone):
        bench.write(keep_and_undo)
    card = bench.keep(CardEntry("4242424242424242", 12, 2030))
    bench.open()
    assert bench.read(card)["pan"] == "4242424242424242"


def test_another_folders_key_opens_nothing(bench: VaultBench) -> None:
    card = bench.keep(CardEntry("4242424242424242", 12, 2030))
    bench.wrapper = bench.software(b"s" * 16)
    bench.open()
    with pytest.raises(StorageError, match="does not open under kek 1"):
        bench.read(card)


# -- rotation --------------------------------------------------------------------------------------


@pytest.mark.inv(314)
def test_a_month_of_lab_time_turns_the_keys(bench: VaultBench) -> None:
    card = bench.keep(CardEntry("4242424242424242", 12, 2030))
    timer = bench.loop.create_task(bench.rotation.run_forever())

    def after_days(days: float) -> list[tuple[int, int]]:
        bench.loop.run_until_complete(asyncio.sleep(days * 86_400))
        return [(key.version, key.kek) for key in bench.database.read(bench.rows.keys)]

    assert after_days(29) == [(1, 1)]
    assert after_days(2) == [(1, 2), (2, 2)]
    assert after_days(60) == [(1, 4), (2, 4), (3, 4), (4, 4)]
    timer.cancel()
    assert bench.read(card)["pan"] == "4242424242424242"
    kept = bench.keep(CardEntry("5555555555554444", 12, 2030))
    row = bench.database.read(lambda tx: bench.rows.card(tx, kept.id))
    assert row is not None
    assert row.key_version == 4


def test_a_silent_key_home_changes_nothing_and_is_asked_again(bench: VaultBench) -> None:
    card = bench.keep(CardEntry("4242424242424242", 12, 2030))
    before = bench.database.read(bench.rows.keys)
    bench.keys._wrapper = Silent()
    with pytest.raises(StorageError, match="silent"):
        bench.rotate()
    assert bench.database.read(bench.rows.keys) == before
    bench.keys._wrapper = bench.wrapper
    bench.rotate()
    assert bench.read(card)["pan"] == "4242424242424242"


class Silent:
    """A key home that has gone away."""

    home = "file"

    def wrap(self, *_: object) -> bytes:
        raise StorageError("silent")

    unwrap = wrap


def test_a_first_card_during_a_rotation_is_not_lost(bench: VaultBench) -> None:
    """The keys that were read are compared before what was made of them is stored."""
    read = bench.database.read(bench.rows.keys)
    anew = bench.keys.rewrapped(read)
    card = bench.keep(CardEntry("4242424242424242", 12, 2030))
    assert not bench.write(lambda tx: bench.keys.store_rotation(tx, read, anew))
    bench.rotate()
    assert bench.read(card)["pan"] == "4242424242424242"
