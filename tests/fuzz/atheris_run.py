"""One coverage-guided run, in a process of its own: `python atheris_run.py card|line [options]`.

Atheris is not among the project's dependencies: the test that starts this puts it on the path.
Options are libFuzzer's (`-max_total_time=300`). An exception that is not of the decoders' own error
trees ends the process with the input written to a file.
"""

from __future__ import annotations

import sys
from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["hardware", "backend"]):
    from backend.domain import chip_data
    from backend.networks import host_codec, message
    from backend.networks.chip import tlv as issuer_tlv
    from backend.runtime.errors import BadRequest, MessageError
    from backend.switch import requests
    from hardware import apdu
    from hardware.emv import decode, dol, masking, tlv
    from hardware.runtime.errors import ApduError, TlvError


def card(data: bytes) -> None:
    """What a card or a user's hex may bring."""
    with suppress(TlvError):
        tlv.parse(data)
    with suppress(TlvError):
        dol.parse_dol(data)
    with suppress(ApduError):
        apdu.CommandApdu.parse(data)
    with suppress(ApduError):
        apdu.ResponseApdu.parse(data)
    decode.decode(data)
    assert len(masking.mask_objects(data)) == len(data)


def line(data: bytes) -> None:
    """What a network's line or a till's DE 55 may bring."""
    read = None
    with suppress(MessageError):
        read = message.decode(data)
    if read is not None:
        assert host_codec.decode(data) == read
        assert message.decode(message.encode(read)) == read
        for understand in (lambda answer: requests.answered(answer, 0), requests.status_known):
            with suppress(MessageError, KeyError):
                understand(read)
    else:
        with suppress(MessageError):
            host_codec.decode(data)
    with suppress(BadRequest):
        chip_data.read_chip_data(data)
    with suppress(MessageError):
        issuer_tlv.read_chip_data(data)


if __name__ == "__main__":
    target = {"card": card, "line": line}[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
