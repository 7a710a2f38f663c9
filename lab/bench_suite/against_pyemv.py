"""The card's arithmetic and the decoder of data objects against pyemv, in turns in one run.

pyemv (PyPI, extra `test`) is the yardstick because it is what people otherwise write such things
with, and no code of ours: both must give the same bytes before a time counts. A figure says how
many times faster ours is. Source of the cryptogram: Visa's version 18 with master key option A.
"""

from __future__ import annotations

import importlib.util
import statistics
import warnings
from collections.abc import Callable, Mapping

from backend.api import Clock
from hardware.api import Tlv, build_tlv, icc_master_key_a, parse_tlv, visa_cvn18
from lab.bench_suite.figure import figure, missing
from lab.errors import NotDone

FASTER_TARGET = 2.0
CALLS = 200
_KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
_PAN, _PSN = "4242424242424242", "01"
_ATC = b"\x00\x1d"
_VALUES = {
    0x9F02: bytes.fromhex("000000001240"), 0x9F03: bytes(6), 0x9F1A: b"\x08\x40", 0x95: bytes(5),
    0x5F2A: b"\x08\x40", 0x9A: bytes.fromhex("261120"), 0x9C: b"\x00",
    0x9F37: bytes.fromhex("A1B2C3D4"), 0x82: b"\x20\x20", 0x9F36: _ATC,
    0x9F10: bytes.fromhex("06011203A00000"),
}  # fmt: skip
_ABSENT = "pyemv is not installed: pip install pyemv (or the project's extra 'test')"


def figures(clock: Clock, *, rounds: int) -> list[dict[str, object]]:
    """How many times faster than pyemv: keys and cryptogram, and decoding a record."""
    names = ("cryptogram_against_pyemv", "tlv_against_pyemv")
    if importlib.util.find_spec("pyemv") is None:
        return [missing(name, FASTER_TARGET, _ABSENT) for name in names]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyemv's way to 3DES is announced to move
        pairs = (_cryptograms(), _decoders())
        return [
            figure(name, [_times(clock, ours, theirs) for _ in range(rounds)], FASTER_TARGET)
            for name, (ours, theirs) in zip(names, pairs, strict=True)
        ]


def _cryptograms() -> tuple[Callable[[], object], Callable[[], object]]:
    from pyemv.ac import PaddingType, generate_ac
    from pyemv.kd import derive_common_sk, derive_icc_mk_a

    covered = b"".join(value for value in _VALUES.values())

    def ours() -> bytes:
        return visa_cvn18(icc_master_key_a(_KEY, _PAN, _PSN), _VALUES)

    def theirs() -> bytes:
        session = derive_common_sk(derive_icc_mk_a(_KEY, _PAN, _PSN), _ATC + bytes(6))
        answer: bytes = generate_ac(session, covered, PaddingType.EMV)
        return answer

    if ours() != theirs():
        raise NotDone("our cryptogram and pyemv's differ")
    return ours, theirs


def _decoders() -> tuple[Callable[[], object], Callable[[], object]]:
    from pyemv import tlv

    inner = b"".join(build_tlv(tag, value) for tag, value in _VALUES.items())
    record = build_tlv(0x6F, build_tlv(0xA5, inner) + build_tlv(0x50, b"Lab"))

    def ours() -> tuple[Tlv, ...]:
        return parse_tlv(record)

    def theirs() -> Mapping[str, object]:
        tree: Mapping[str, object] = tlv.decode(record)
        return tree

    flat = {f"{node.tag:X}": node.value for node in ours()[0].walk() if not node.constructed}
    if flat != tlv.decode(record, flatten=True):
        raise NotDone("our decoder and pyemv's differ")
    return ours, theirs


def _times(clock: Clock, ours: Callable[[], object], theirs: Callable[[], object]) -> float:
    """Theirs over ours: medians of single calls, made in turns."""
    took_us: tuple[list[int], list[int]] = ([], [])
    for _ in range(CALLS):
        for call, took in zip((ours, theirs), took_us, strict=True):
            began_us = clock.monotonic_us()
            for _repeat in range(5):  # one call is near the clock's own microsecond
                call()
            took.append(clock.monotonic_us() - began_us)
    return statistics.median(took_us[1]) / max(1.0, statistics.median(took_us[0]))
