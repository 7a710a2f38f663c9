"""The shipped dialogues: each ends where the books say, at the till with a floor limit.

They were made with keys of their own (`assets/dialogues/authorities.toml`); their signatures cover
no date, so that they hold on any day before their certificates end.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.cli import main

ASSETS = Path(__file__).resolve().parents[3] / "assets"
DIALOGUES = str(ASSETS / "dialogues" / "kernels.json")
TERMINAL = str(ASSETS / "terminals" / "offline.toml")
AUTHORITIES = str(ASSETS / "dialogues" / "authorities.toml")
EXPECTED = {
    "visa-online": ("online_request", "online_request", 3, "ARQC", "1B"),
    "mastercard-online": ("online_request", "online_request", 2, "ARQC", "1B"),
    "amex-online": ("online_request", "online_request", 4, "ARQC", "1B"),
    "visa-approved-offline": ("approved", "offline_approved", 3, "TC", "03"),
    "mastercard-approved-offline": ("approved", "offline_approved", 2, "TC", "03"),
    "amex-approved-offline": ("approved", "offline_approved", 4, "TC", "03"),
    "visa-declined-offline": ("declined", "card_declined", 3, "AAC", "07"),
    "mastercard-declined-offline": ("declined", "card_declined", 2, "AAC", "07"),
    "amex-declined-offline": ("declined", "card_declined", 4, "AAC", "07"),
    "visa-false-signature": ("declined", "unauthentic_signature", 3, None, "07"),
    "visa-false-signature-online": ("online_request", "online_request", 3, "TC", "1B"),
    "visa-false-signature-elsewhere": ("try_another_interface", "switch_interface", 3, "TC", "18"),
    "visa-approval-unsigned": ("declined", "unauthentic_not_possible", 3, None, "07"),
    "visa-expired": ("declined", "application_expired", 3, "TC", "07"),
    "visa-expired-online": ("online_request", "online_request", 3, "TC", "1B"),
    "mastercard-false-signature": ("declined", "unauthentic_signature", 2, None, "07"),
    "mastercard-other-number-signed": ("declined", "unauthentic_signature", 2, None, "07"),
    "mastercard-till-declines": ("declined", "till_declined", 2, "AAC", "07"),
    "mastercard-version-asks-online": ("online_request", "online_request", 2, "ARQC", "1B"),
    "mastercard-issuer-codes": ("approved", "offline_approved", 2, "TC", "03"),
    "torn-while-approving": ("try_again", "pulled_too_early", 2, None, "21"),
    "torn-while-reading": ("try_again", "pulled_too_early", 2, None, "21"),
    "two-cards": ("present_one_card", "present_one_card", None, None, "19"),
    "next-after-refusal": ("approved", "offline_approved", 2, "TC", "03"),
    "next-after-select": ("approved", "offline_approved", 2, "TC", "03"),
    "nothing-left": ("use_another_card", "conditions_not_satisfied", 3, None, "1C"),
    "other-interface": ("try_another_interface", "switch_interface", 3, None, "18"),
    "see-phone": ("see_phone", "see_phone", 3, None, "20"),
    "no-cdol": ("error", "missing_8C", 2, None, "1C"),
    "visa-no-cryptogram": ("error", "missing_9F26", 3, None, "1C"),
    "same-tag-in-record": ("error", "duplicate_5F34", 3, None, "1C"),
    "unsupported-jcb": ("use_another_card", "kernel_not_available", 5, None, "1C"),
    "unsupported-discover": ("use_another_card", "kernel_not_available", 6, None, "1C"),
    "unsupported-unionpay-debit": ("use_another_card", "kernel_not_available", 7, None, "1C"),
    "unsupported-unionpay-credit": ("use_another_card", "kernel_not_available", 7, None, "1C"),
    "unsupported-interac": ("use_another_card", "no_candidates", None, None, "1C"),
    "unsupported-first-then-visa": ("approved", "offline_approved", 3, "TC", "03"),
    "too-deep": ("error", "answer_too_deep", 3, None, "1C"),
    "too-many-records": ("error", "too_many_records", 3, None, "1C"),
}


def replayed(capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, dict[str, object]]:
    assert main(["pos", "replay", DIALOGUES, *more, "--json"]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return {str(each["id"]): each for each in found}


def told(each: dict[str, object]) -> tuple[object, ...]:
    ui = each["ui"]
    assert isinstance(ui, dict)
    return each["outcome"], each["reason"], each["kernel"], each["cryptogram"], ui["message_id"]


def test_every_shipped_dialogue_ends_where_the_books_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = replayed(capsys, "--terminal", TERMINAL, "--authorities", AUTHORITIES)
    assert {name: told(each) for name, each in found.items()} == EXPECTED


def test_at_the_usual_till_nothing_is_approved_offline(capsys: pytest.CaptureFixture[str]) -> None:
    """Its floor limit is zero, so the bank is asked of everything."""
    found = replayed(capsys, "--authorities", AUTHORITIES)
    assert not [name for name, each in found.items() if each["outcome"] == "approved"]
    assert found["visa-approved-offline"]["reason"] == "offline_not_supported"
    assert found["visa-false-signature-online"]["outcome"] == "online_request"
    assert found["mastercard-approved-offline"]["reason"] == "cryptogram_refused"


def test_without_the_authority_no_signature_counts(capsys: pytest.CaptureFixture[str]) -> None:
    found = replayed(capsys, "--terminal", TERMINAL)
    assert found["visa-approved-offline"]["reason"] == "unauthentic_authority_unknown"
    assert found["visa-false-signature-online"]["outcome"] == "online_request"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--terminal", "nowhere.toml"], "nowhere.toml cannot be read"),
        (["--authorities", "nowhere.toml"], "nowhere.toml is not there"),
    ],
)
def test_files_that_are_not_there(
    capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    assert main(["pos", "replay", DIALOGUES, *more]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("cards", [0, -1, "two", True, 1.5])
def test_a_number_of_cards_that_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cards: object
) -> None:
    path = tmp_path / "dialogues.json"
    path.write_text(json.dumps([{"id": "x", "cards": cards, "apdus": []}]))
    assert main(["pos", "replay", str(path)]) == 2
    assert "'cards' counts no cards" in capsys.readouterr().err
