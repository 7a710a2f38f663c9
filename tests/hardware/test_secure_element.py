"""The secure element: provisioning, the lock, arming, the counter on disk before a cryptogram."""

from __future__ import annotations

import shutil
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from hardware.api import (
    AtcExhausted,
    FaceAssertion,
    FaceSensor,
    NotArmed,
    ProvisioningRefused,
    RemoteRequest,
    ScanFailed,
    ScanRefusal,
    SecureElementBusy,
    SecureElementDamaged,
    parse_tlv,
)
from hardware.crypto.cryptogram import visa_cvn18

if TYPE_CHECKING:
    from collections.abc import Callable

SELECT_VISA = bytes.fromhex("00A4040007A000000003101000")
GPO = bytes.fromhex(
    "80A80000238321" + "32804000" + "000000001240" + "000000000000" + "0840" + "0000000000"
    "0840" + "261118" + "00" + "01020304" + "00"
)


def fields(answer: bytes) -> dict[int, bytes]:
    (template,) = parse_tlv(answer[:-2])
    return {node.tag: node.value for node in template.walk() if not node.constructed}


def test_an_installed_token_shows_neither_number_nor_key(bench: Any) -> None:
    (token,) = bench.element.tokens()
    assert (token.token_ref, token.network, token.last4) == ("tok-visa", "visa", "4242")
    assert (token.label, token.expiry, token.atc) == ("Lab visa", "2912", 0)
    assert "4242424242424242" not in repr(bench.element.tokens())


def test_the_same_session_again_changes_nothing(
    bench: Any, seal: Callable[..., str], make_credentials: Callable[..., dict[str, object]]
) -> None:
    bench.arm()
    bench.tap()
    envelope = seal(bench.element, make_credentials())
    again = bench.element.install(envelope)
    assert again.atc == 1
    assert len(bench.element.tokens()) == 1
    bench.element.remove("tok-visa")
    with pytest.raises(ProvisioningRefused, match="removed"):
        bench.element.install(envelope)


@pytest.mark.parametrize(
    "change",
    [
        {"dpan": "4242424242424241"},
        {"dpan": "4242"},
        {"expiry": "2913"},
        {"psn": "1"},
        {"par": "V"},
        {"network": "other"},
        {"cvn": "10"},
        {"cvn": "1"},
        {"keys": {"proximity": {"mk": "00", "dki": "01"}}},
        {"keys": None},
        {"tokenRequestorId": "1"},
        {"label": ""},
        {"serviceCode": None},
        {"sessionId": 5},
        {"replaces": 7},
        {"tokenRef": "tok-visa", "sessionId": "other"},
    ],
)
def test_bad_credentials_are_refused_and_nothing_is_written(
    bench: Any,
    seal: Callable[..., str],
    make_credentials: Callable[..., dict[str, object]],
    change: dict[str, object],
) -> None:
    before = bench.element.tokens()
    document = make_credentials(sessionId="s2", tokenRef="tok-2") | change
    with pytest.raises(ProvisioningRefused) as refused:
        bench.element.install(seal(bench.element, document))
    assert bench.element.tokens() == before
    assert str(document["dpan"]) not in str(refused.value)


def test_an_envelope_for_another_device_does_not_open(
    bench: Any, seal: Callable[..., str], make_credentials: Callable[..., dict[str, object]]
) -> None:
    from joserfc.jwk import ECKey

    class Other:
        def public_key(self) -> dict[str, str]:
            return ECKey.generate_key("P-256").as_dict(private=False)  # type: ignore[return-value]

    with pytest.raises(ProvisioningRefused, match="does not open"):
        bench.element.install(seal(Other(), make_credentials(sessionId="x")))  # type: ignore[arg-type]
    good = seal(bench.element, make_credentials(sessionId="x", tokenRef="y"))
    head, rest = good[:-6], good[-6:]
    spoiled = head + ("A" if rest[0] != "A" else "B") + rest[1:]
    for bad in (spoiled, "", "a.b.c", "a.b.c.d.e", good + "." * 20_000):
        with pytest.raises(ProvisioningRefused):
            bench.element.install(bad)


def test_replacing_keeps_the_place_and_the_default(bench: Any) -> None:
    bench.install("mastercard")
    bench.install("visa", sessionId="s9", tokenRef="tok-new", replaces="tok-visa")
    assert [token.token_ref for token in bench.element.tokens()] == ["tok-new", "tok-mastercard"]
    assert bench.element.default == "tok-new"


def test_refreshed_keys_continue_the_counter(bench: Any) -> None:
    bench.arm()
    bench.tap()
    bench.install("visa", sessionId="s9", replaces="tok-visa")
    assert bench.element.tokens()[0].atc == 1


@pytest.mark.inv(65)
def test_the_default_card_is_the_one_shown(bench: Any) -> None:
    bench.install("mastercard")
    bench.install("amex")
    assert bench.element.default == "tok-visa"
    bench.element.set_default("tok-amex")
    assert bench.tap().candidates[0] == "A00000002501"
    bench.arm("tok-visa")
    assert bench.tap().candidates == ("A0000000031010",)
    bench.element.remove("tok-amex")
    assert bench.element.default == "tok-visa"
    with pytest.raises(NotArmed):
        bench.element.set_default("tok-amex")


def test_a_second_opener_is_refused(bench: Any) -> None:
    with pytest.raises(SecureElementBusy):
        bench.open()
    bench.element.close()
    bench.element = bench.open()
    assert len(bench.element.tokens()) == 1


def test_the_wrong_key_and_other_files_do_not_open(bench: Any) -> None:
    bench.element.close()
    with pytest.raises(SecureElementDamaged):
        bench.open(seal_key=bytes(32))
    other = bench.folder / "other.db"
    other.write_bytes(b"this is no secure element at all, only text" * 20)
    with pytest.raises(SecureElementDamaged):
        bench.open(other)
    bench.element = bench.open()


def test_secrets_are_sealed_in_the_file(bench: Any) -> None:
    bench.arm()
    bench.tap()
    public = bench.element.public_key()
    bench.element.close()
    raw = b"".join(path.read_bytes() for path in bench.folder.iterdir())
    # Positive control: what is no secret is found.
    assert b"tok-visa" in raw
    for secret in (b"4242424242424242", bytes.fromhex("11223344556677889900AABBCCDDEEF0")):
        assert secret not in raw
        assert secret.hex().encode() not in raw
    assert b"PRIVATE KEY" not in raw
    bench.element = bench.open()
    assert bench.element.public_key() == public


def test_a_changed_record_is_noticed(bench: Any) -> None:
    bench.install("visa", sessionId="s2", tokenRef="tok-2")
    bench.element.close()
    with sqlite3.connect(bench.path) as connection:
        (sealed,) = connection.execute(
            "SELECT secret FROM tokens WHERE token_ref='tok-2'"
        ).fetchone()
        # Another record's secret is genuine, and still not this record's.
        connection.execute("UPDATE tokens SET secret=? WHERE token_ref='tok-visa'", (sealed,))
    connection.close()
    bench.element = bench.open()
    with pytest.raises(SecureElementDamaged):
        bench.element.card().transmit(SELECT_VISA)


def test_a_backup_opens_beside_the_original(bench: Any) -> None:
    copy = bench.folder / "copy.db"
    bench.element.backup(copy)
    second = bench.open(copy)
    assert second.tokens() == bench.element.tokens()
    second.close()


@pytest.mark.inv(64)
def test_without_authentication_the_phone_says_see_phone(bench: Any) -> None:
    card = bench.element.card()
    assert card.transmit(SELECT_VISA)[-2:].hex() == "9000"
    assert card.transmit(GPO).hex() == "6986"
    assert bench.element.tokens()[0].atc == 0
    result = bench.tap()
    assert (result.outcome, result.reason) == ("see_phone", "see_phone")


@pytest.mark.inv(64)
def test_no_counter_is_spent_for_a_token_that_is_not_armed(bench: Any) -> None:
    with pytest.raises(NotArmed, match="authentication"):
        bench.element.spend("tok-visa")
    assertion = bench.sensor.scan(bench.element.challenge(), "match")
    bench.element.arm(assertion, "tok-visa")
    with pytest.raises(NotArmed, match="authentication"):
        bench.element.spend("tok-other")
    assert bench.element.spend("tok-visa") == 1
    with pytest.raises(NotArmed, match="authentication"):  # one authentication, one counter
        bench.element.spend("tok-visa")
    assert bench.element.tokens()[0].atc == 1


@pytest.mark.inv(64)
def test_a_failed_scan_arms_nothing(bench: Any) -> None:
    refused = bench.sensor.scan(bench.element.challenge(), "no_match")
    assert refused == ScanFailed(ScanRefusal.NO_MATCH, 2)
    assert bench.element.armed is None
    assert bench.tap().outcome == "see_phone"


def test_a_forged_assertion_is_refused(bench: Any) -> None:
    stranger = FaceSensor(bytes(32))
    forged = stranger.scan(bench.element.challenge(), "match")
    with pytest.raises(NotArmed, match="paired"):
        bench.element.arm(forged, "tok-visa")
    genuine = bench.sensor.scan(bench.element.challenge(), "match")
    renamed = FaceAssertion(genuine.challenge, "passcode", genuine.mac)
    with pytest.raises(NotArmed, match="paired"):
        bench.element.arm(renamed, "tok-visa")
    assert bench.element.armed is None


def test_an_assertion_works_once_and_only_for_its_challenge(bench: Any) -> None:
    first = bench.sensor.scan(bench.element.challenge(), "match")
    bench.element.challenge()
    with pytest.raises(NotArmed, match="challenge"):
        bench.element.arm(first, "tok-visa")
    second = bench.sensor.scan(bench.element.challenge(), "match")
    bench.element.arm(second, "tok-visa")
    with pytest.raises(NotArmed, match="challenge"):
        bench.element.arm(second, "tok-visa")
    third = bench.sensor.scan(bench.element.challenge(), "match")
    with pytest.raises(NotArmed, match="no such token"):
        bench.element.arm(third, "tok-unknown")


def test_three_failures_need_the_passcode(bench: Any) -> None:
    challenge = bench.element.challenge()
    for left in (2, 1):
        assert bench.sensor.scan(challenge, "no_match") == ScanFailed(ScanRefusal.NO_MATCH, left)
    assert bench.sensor.scan(challenge, "no_match").reason is ScanRefusal.PASSCODE_NEEDED
    assert bench.sensor.scan(challenge, "match") == ScanFailed(ScanRefusal.PASSCODE_NEEDED, 0)
    assert bench.sensor.passcode(challenge, "000000").reason is ScanRefusal.PASSCODE_WRONG
    bench.element.arm(bench.sensor.passcode(challenge, "246810"), "tok-visa")
    assert bench.element.armed == "tok-visa"
    assert isinstance(bench.sensor.scan(bench.element.challenge(), "match"), FaceAssertion)


def test_a_cancelled_scan_counts_for_nothing(bench: Any) -> None:
    for _ in range(5):
        refused = bench.sensor.scan(bench.element.challenge(), "cancel")
        assert refused == ScanFailed(ScanRefusal.CANCELLED, 3)


def test_arming_ends_by_itself_after_its_time(bench: Any, run: Callable[..., Any]) -> None:
    bench.arm()
    run(bench.time.sleep(59.9))
    assert bench.element.armed == "tok-visa"
    run(bench.time.sleep(0.1))
    assert bench.element.armed is None


def test_one_payment_an_authentication(bench: Any) -> None:
    bench.arm()
    assert bench.tap().outcome == "online_request"
    assert bench.element.armed is None
    assert bench.tap().outcome == "see_phone"


@pytest.mark.inv(69)
def test_the_counter_rises_by_one_a_tap(bench: Any) -> None:
    counters = []
    for _ in range(4):
        bench.arm()
        counters.append(bench.tap().atc)
    assert counters == [1, 2, 3, 4]
    bench.element.close()
    bench.element = bench.open()
    assert bench.element.tokens()[0].atc == 4


@pytest.mark.inv(69)
def test_the_counter_is_on_disk_before_a_cryptogram_leaves(bench: Any) -> None:
    found: list[int] = []

    def killed_here(token_ref: str, atc: int) -> None:
        # What a reader of the disk finds if the process dies before the answer leaves.
        assert token_ref == "tok-visa"
        assert atc == 1
        for path in list(bench.folder.glob("element.db*")):
            shutil.copy(path, bench.folder / path.name.replace("element", "after"))
        survivor = bench.open(bench.folder / "after.db")
        found.append(survivor.tokens()[0].atc)
        survivor.close()

    bench.arm()
    card = bench.element.card(on_cryptogram=killed_here)
    card.transmit(SELECT_VISA)
    assert card.transmit(GPO)[-2:].hex() == "9000"
    assert found == [1]


def test_the_counter_ends_at_65535(bench: Any) -> None:
    bench.element.close()
    with sqlite3.connect(bench.path) as connection:
        connection.execute("UPDATE tokens SET atc=65534")
    connection.close()
    bench.element = bench.open()
    bench.arm()
    assert bench.tap().atc == 65535
    bench.arm()
    result = bench.tap()
    assert (result.outcome, result.reason) == ("use_another_card", "conditions_not_satisfied")
    bench.arm()
    with pytest.raises(AtcExhausted):
        bench.element.spend("tok-visa")
    assert bench.element.tokens()[0].atc == 65535


def test_an_in_app_payment_uses_the_remote_key_and_the_same_counter(bench: Any) -> None:
    bench.arm()
    bench.tap()
    request = RemoteRequest(999, 978, 276, "261118", b"\x09\x08\x07\x06")
    with pytest.raises(NotArmed):
        bench.element.sign_remote("tok-visa", request)
    bench.arm()
    signed = bench.element.sign_remote("tok-visa", request)
    assert signed.atc == 2
    assert signed.eci == "07"
    assert "4242424242424242" not in repr(signed)
    values = {node.tag: node.value for node in parse_tlv(signed.emv_data)}
    expected = visa_cvn18(bytes.fromhex("0FEDCBA987654321FEDCBA9876543210"), values)
    assert signed.cryptogram == expected.hex().upper()


def test_the_application_answers_every_command_with_a_status(bench: Any) -> None:
    card = bench.element.card()
    for command, status in (
        ("00A404000E315041592E5359532E444446303100", "6A82"),
        ("00A4040005A00000000400", "6A82"),
        ("00A4000002000000", "6A86"),
        ("80A8000002830000", "6985"),
        ("00B2011400", "6985"),
        ("00CA9F3600", "6D00"),
        ("84A8000002830000", "6E00"),
        ("00", "6700"),
        ("", "6700"),
    ):
        assert card.transmit(bytes.fromhex(command)).hex().upper() == status, command
    card.transmit(SELECT_VISA)
    assert card.transmit(bytes.fromhex("80A800000483028300" + "00")).hex() == "6700"
    assert card.transmit(bytes.fromhex("80A80000029F0200")).hex() == "6a80"
    magnetic_only = GPO.replace(bytes.fromhex("32804000"), bytes.fromhex("80804000"))
    assert card.transmit(magnetic_only).hex() == "6985"


def test_an_offline_only_reader_gets_a_refusal_under_a_cryptogram(bench: Any) -> None:
    bench.arm()
    card = bench.element.card()
    card.transmit(SELECT_VISA)
    answer = fields(card.transmit(GPO.replace(bytes.fromhex("3280"), bytes.fromhex("3A80"))))
    assert answer[0x9F27] == b"\x00"
    assert bench.element.tokens()[0].atc == 1


@pytest.mark.parametrize("version", ["12", "0A"])
def test_both_cryptogram_versions_verify(bench: Any, oracle: Any, version: str) -> None:
    bench.install("visa", sessionId="s2", cvn=version, replaces="tok-visa")
    bench.arm()
    card = bench.element.card()
    card.transmit(SELECT_VISA)
    answer = fields(card.transmit(GPO))
    signed = bytes.fromhex(
        "000000001240" + "000000000000" + "0840" + "0000000000" + "0840" + "261118" + "0001020304"
    )
    signed += answer[0x82] + answer[0x9F36]
    key = bytes.fromhex("11223344556677889900AABBCCDDEEF0")
    if version == "12":
        session = oracle.common_session(key, answer[0x9F36])
        expected = oracle.cryptogram(session, signed + answer[0x9F10], visa_padding=False)
    else:
        expected = oracle.cryptogram(key, signed + answer[0x9F10][3:7], visa_padding=True)
    assert answer[0x9F26] == expected
