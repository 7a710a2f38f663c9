"""`pos replay`: other people's dialogues against the till's own kernels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.cli import main

DIALOGUES = Path("tests/data/dialogues.json")
EXPECTED = {
    "visa-good": ("online_request", 3, "ARQC", "1B"),
    "visa-with-record": ("online_request", 3, "ARQC", "1B"),
    "mastercard-good": ("online_request", 2, "ARQC", "1B"),
    "amex-good": ("online_request", 4, "ARQC", "1B"),
    "answers-only": ("online_request", 3, "ARQC", "1B"),
    "visa-see-phone": ("see_phone", 3, None, "20"),
    "visa-refused": ("use_another_card", 3, None, "1C"),
    "visa-other-interface": ("try_another_interface", 3, None, "18"),
    "amex-see-phone": ("see_phone", 4, None, "20"),
    "mastercard-declines": ("declined", 2, "AAC", "07"),
    "torn-at-select": ("try_again", 3, None, "21"),
    "torn-at-gpo": ("try_again", 3, None, "21"),
    "torn-at-generate": ("try_again", 2, None, "21"),
    "no-directory": ("use_another_card", None, None, "1C"),
    "empty-directory": ("use_another_card", None, None, "1C"),
    "unsupported-kernel": ("use_another_card", 5, None, "1C"),
    "second-candidate": ("online_request", 3, "ARQC", "1B"),
    "same-object-twice": ("error", 3, None, "1C"),
    "no-cryptogram": ("error", 3, None, "1C"),
    "mastercard-stripe-good": ("online_request", 2, None, "1B"),
    "mastercard-stripe-refused": ("error", 2, None, "1C"),
    "mastercard-stripe-look-at-phone": ("see_phone", 2, None, "20"),
    "mastercard-stripe-no-number": ("online_request", 2, None, "1B"),
    "mastercard-stripe-broken-places": ("error", 2, None, "1C"),
    "mastercard-stripe-places-missing": ("error", 2, None, "1C"),
    "mastercard-stripe-torn": ("try_again", 2, None, "21"),
    "amex-stripe-good": ("online_request", 4, "ARQC", "1B"),
    "visa-stripe-age": ("error", 3, None, "1C"),
    "torn-then-recovered": ("online_request", 2, "ARQC", "1B"),
    "torn-then-anew": ("online_request", 2, "ARQC", "1B"),
    "relay-near": ("online_request", 2, "ARQC", "1B"),
    "relay-refused": ("declined", 2, "AAC", "07"),
    "relay-slow-once": ("online_request", 2, "ARQC", "1B"),
    "relay-too-fast": ("error", 2, None, "1C"),
    "relay-nonsense": ("error", 2, None, "1C"),
}


def test_a_trace_is_played_as_its_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The answers of a good dialogue, once as it stands and once out of a trace."""
    (good,) = (
        each for each in json.loads(DIALOGUES.read_text()) if each["id"] == "mastercard-good"
    )
    lines = [f"{n} +0.0{n}0000 0.001000 C {each['c'].upper()} R {each['r'].upper()} x"
             for n, each in enumerate(good["apdus"])]  # fmt: skip
    path = tmp_path / "tap_1.apdu"
    path.write_text("\n".join(["# tap-lab trace 1", "# kernel: 2", *lines]) + "\n")
    (played,) = replayed(capsys, str(path))
    (original,) = replayed(capsys, str(DIALOGUES), "--id", "mastercard-good")
    assert played == original | {"id": "tap_1"}
    assert main(["pos", "replay", str(tmp_path / "absent.apdu")]) == 2


def replayed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    assert main(["pos", "replay", *arguments, "--json"]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def test_every_dialogue_ends_where_the_books_say(capsys: pytest.CaptureFixture[str]) -> None:
    found = replayed(capsys, str(DIALOGUES))
    assert {
        each["id"]: (each["outcome"], each["kernel"], each["cryptogram"], each["ui"]["message_id"])
        for each in found
    } == EXPECTED
    assert all(set(each) >= {"candidates", "steps", "reason"} for each in found)
    assert found[0]["candidates"] == ["A0000000031010"]


def test_a_card_tapped_again_is_the_same_tills_second_tap(
    capsys: pytest.CaptureFixture[str],
) -> None:
    steps = {
        each["id"]: each["steps"]
        for each in replayed(capsys, str(DIALOGUES))
        if str(each["id"]).startswith("torn-then")
    }
    assert steps["torn-then-recovered"][-4:] == [
        "recover_ac", "recovered", "card_decision", "outcome",
    ]  # fmt: skip
    assert steps["torn-then-anew"][-4:] == ["recover_ac", "generate_ac", "card_decision", "outcome"]


def test_a_recording_tells_its_own_time(capsys: pytest.CaptureFixture[str]) -> None:
    reasons = {each["id"]: each["reason"] for each in replayed(capsys, str(DIALOGUES))}
    assert reasons["relay-refused"] == "relay_suspected"
    assert reasons["relay-too-fast"] == "relay_too_fast"
    assert reasons["relay-nonsense"] == "relay_malformed"


def test_one_of_them_by_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    [one] = replayed(capsys, str(DIALOGUES), "--id", "amex-good", "--amount", "500")
    assert (one["id"], one["outcome"]) == ("amex-good", "online_request")
    assert main(["pos", "replay", str(DIALOGUES), "--id", "amex-good"]) == 0
    assert "amex-good: online_request" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "is no dialogue file"),
        ("[1]", "dialogue 0 has no list"),
        ('[{"id": "x", "apdus": [{"c": "zz", "r": ""}]}]', "is no hex"),
        ("[", "is no JSON"),
        ('[{"id": "x", "apdus": [], "again": 1}]', "'again' is no list"),
        ('[{"id": "x", "apdus": [{"c": "", "r": "", "ms": -1}]}]', "'ms' is no number"),
    ],
)
def test_files_that_are_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, said: str
) -> None:
    path = tmp_path / "dialogues.json"
    path.write_text(content)
    assert main(["pos", "replay", str(path)]) == 2
    assert said in capsys.readouterr().err


def test_an_id_nobody_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pos", "replay", str(DIALOGUES), "--id", "nobody"]) == 2
    assert "no dialogue 'nobody'" in capsys.readouterr().err
