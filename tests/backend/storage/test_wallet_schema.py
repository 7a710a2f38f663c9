"""The wallet's tables hold what they should, and its questions are answered from indexes."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from backend import api

COLUMNS = {
    "id", "user_id", "device_id", "token_ref", "network", "last4", "card_type", "card_art_url",
    "status", "is_default", "suspended_at_us", "suspend_reason", "provisioned_at_us",
    "updated_at_us",
}  # fmt: skip


@pytest.fixture
def engine_file(tmp_path):
    api.migrate(tmp_path)
    return tmp_path / "engine.db"


@pytest.mark.inv(36, 37)
def test_a_card_row_has_a_token_reference_and_no_place_for_a_number(engine_file):
    with closing(sqlite3.connect(engine_file)) as connection:
        rows = connection.execute("PRAGMA table_info(provisioned_cards)").fetchall()
    names = {row[1] for row in rows}
    assert names >= COLUMNS
    assert not {"pan", "card_number", "token", "dpan", "cvv"} & names


@pytest.mark.inv(39)
@pytest.mark.parametrize(
    "where",
    ["user_id = ?", "user_id = ? AND device_id = ?", "token_ref = ?", "token_fingerprint = ?"],
)
def test_cards_are_found_by_person_device_and_token_without_reading_them_all(engine_file, where):
    question = f"EXPLAIN QUERY PLAN SELECT * FROM provisioned_cards WHERE {where}"  # noqa: S608 - ours
    with closing(sqlite3.connect(engine_file)) as connection:
        plan = connection.execute(question, ("x",) * where.count("?")).fetchall()
    assert all("USING INDEX" in step[3] for step in plan), plan
