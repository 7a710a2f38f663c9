"""What a command would do is known before it is sent, and to whose card."""

from __future__ import annotations

import pytest

from hardware.api import CommandApdu, Weight, effect_of, mask_command


@pytest.mark.parametrize(
    ("command", "lab", "stranger", "what"),
    [
        ("00A4040000", Weight.NONE, Weight.NONE, ""),
        ("80A8000002830000", Weight.NONE, Weight.CHANGES, "spends_cryptogram"),
        ("80AE8000", Weight.CHANGES, Weight.NEVER, "spends_cryptogram"),
        ("00AE8000", Weight.CHANGES, Weight.NEVER, "spends_cryptogram"),
        ("802A8E8004000000009F", Weight.CHANGES, Weight.NEVER, "spends_cryptogram"),
        ("80D00000", Weight.CHANGES, Weight.NEVER, "spends_cryptogram"),
        ("00D00000", Weight.CHANGES, Weight.CHANGES, "writes"),
        ("00B2010C00", Weight.NONE, Weight.CONSENT, "reads_past_select"),
        ("80CA9F3600", Weight.NONE, Weight.CONSENT, "reads_past_select"),
        ("0020008008241234FFFFFFFFFF", Weight.CHANGES, Weight.CHANGES, "counts_tries"),
        ("00DA9F3601FF", Weight.CHANGES, Weight.CHANGES, "writes"),
        ("00DC010401FF", Weight.CHANGES, Weight.CHANGES, "writes"),
        ("00D6000001FF", Weight.CHANGES, Weight.CHANGES, "writes"),
        ("841E000000", Weight.CHANGES, Weight.CHANGES, "blocks"),
        ("80F00000", Weight.CHANGES, Weight.CHANGES, "changes_state"),
        ("0084000000", Weight.NONE, Weight.NONE, ""),
        ("FFCA000000", Weight.NONE, Weight.NONE, ""),
        ("FF00400004", Weight.CHANGES, Weight.CHANGES, "drives_reader"),
        ("FFD6000001FF", Weight.CHANGES, Weight.CHANGES, "drives_reader"),
        ("0077000000", Weight.CHANGES, Weight.CHANGES, "unknown_command"),
    ],
)
def test_each_command_has_its_weight(
    command: str, lab: Weight, stranger: Weight, what: str
) -> None:
    apdu = CommandApdu.parse(bytes.fromhex(command))
    assert effect_of(apdu, lab_card=True).weight is lab
    effect = effect_of(apdu, lab_card=False)
    assert (effect.weight, effect.what) == (stranger, what)


def test_nothing_that_writes_is_ever_called_reading() -> None:
    reading = {
        ins
        for ins in range(256)
        if effect_of(CommandApdu(0x00, ins, 0, 0), lab_card=True).weight is Weight.NONE
    }
    assert reading == {0xA4, 0xA8, 0xC0, 0xCA, 0xCB, 0xB0, 0xB1, 0xB2, 0xB3, 0x84}


@pytest.mark.parametrize("ins", ["20", "24", "2C"])
def test_a_pin_is_hidden_from_the_first(ins: str) -> None:
    command = bytes.fromhex(f"00{ins}008008241234FFFFFFFFFF")
    masked = mask_command(command)
    assert masked[:5] == command[:5]
    assert set(masked[5:]) == {0xEE}
    assert len(masked) == len(command)
