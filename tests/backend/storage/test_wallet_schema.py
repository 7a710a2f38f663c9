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


def columns(engine_file, table):
    with closing(sqlite3.connect(engine_file)) as connection:
        return {row[1] for row in connection.execute(f"PRAGMA table_info({table})").fetchall()}


@pytest.mark.inv(47)
def test_a_person_is_an_address_and_the_digest_of_a_password(engine_file):
    assert columns(engine_file, "users") >= {"id", "email", "password_hash", "created_at_us"}
    assert not {"password", "name", "card_number"} & columns(engine_file, "users")
    with closing(sqlite3.connect(engine_file)) as connection:
        connection.execute("INSERT INTO users (id, email, created_at_us) VALUES ('a', 'x@y', 1)")
        with pytest.raises(sqlite3.IntegrityError, match="email"):
            connection.execute(
                "INSERT INTO users (id, email, created_at_us) VALUES ('b', 'x@y', 1)"
            )


@pytest.mark.inv(48)
def test_a_merchant_has_name_category_key_and_addresses(engine_file):
    assert columns(engine_file, "merchants") >= {"id", "name", "category", "created_at_us"}
    # Its key and certificate for payment tokens, and where it is told, have tables of their own.
    assert columns(engine_file, "token_keys") >= {"name", "certificate", "sealed_key"}
    assert columns(engine_file, "webhook_endpoints") >= {"merchant_id", "url"}
