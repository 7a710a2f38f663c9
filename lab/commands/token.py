"""`tap-lab token make|open`: in-app payment tokens as files, for people who write decryptors.

`make` writes a sealed token beside everything that opens it; `open` checks and opens anybody's
token of the same format, or says why it is refused. Neither needs a data folder or an engine.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import orjson

from backend.api import BadRequest, Entropy, make_token, open_token, real_now_us
from lab.amounts import currency_of, parse_amount
from lab.commands.shared import (
    FAILED,
    SUCCESS,
    Subparsers,
    remark,
    shared_options,
    write,
    write_json,
)
from lab.errors import WrongUse

MAKE = (
    "tap-lab token make --type EC_v1 --merchant-id merchant.lab.shop --amount 12.40 "
    "--currency USD --out shop-token"
)
OPEN = (
    "tap-lab token open shop-token/token.json --merchant-cert shop-token/merchant.pem "
    "--merchant-key shop-token/merchant.key --root shop-token/root.pem"
)
FILE_BYTES_MAX = 1 << 20
FILE_ERRORS = ("bad_certificate", "bad_key")
"""Refusals that are about a file of the caller, not about the token."""
PRIVATE = 0o600
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def add(commands: Subparsers) -> None:
    """Add the command with its two actions to the parser."""
    does = "make and open in-app payment tokens"
    parser = commands.add_parser("token", help=does, description=does + ".",
                                 epilog=f"example: {MAKE}")  # fmt: skip
    parser.set_defaults(run=lambda _chosen: _no_action())
    actions = parser.add_subparsers(metavar="ACTION")
    make = actions.add_parser(
        "make", help="write a sealed token and the files that open it", epilog=f"example: {MAKE}"
    )
    shared_options(make, alone=True)
    make.set_defaults(run=run_make)
    option = make.add_argument
    option("--type", choices=("EC_v1", "RSA_v1"), required=True, help="how it is sealed")
    option("--merchant-id", required=True, metavar="M", help="whom it is for, any text")
    option("--amount", required=True, metavar="A", help="decimal amount, such as 12.40")
    option("--currency", required=True, metavar="C", help="ISO 4217 letters, such as USD")
    option("--card", choices=("visa", "mastercard", "amex"), default="visa",
           help="network of the device account number (default %(default)s)")  # fmt: skip
    option("--at", metavar="TIME", type=_moment, help="signing time (RFC 3339; default now)")
    option("--out", required=True, type=Path, metavar="DIR",
           help="folder for the token and what opens it")  # fmt: skip
    read = actions.add_parser(
        "open", help="check and open a token; a refusal says why", epilog=f"example: {OPEN}"
    )
    shared_options(read, alone=True)
    read.set_defaults(run=run_open)
    option = read.add_argument
    option("file", type=Path, metavar="FILE", help="the token as JSON")
    option("--merchant-cert", type=Path, required=True, metavar="F", help="PEM or DER")
    option("--merchant-key", type=Path, required=True, metavar="F", help="PEM or DER, no password")
    option("--root", type=Path, required=True, metavar="F", help="whose signatures count")
    option("--at", metavar="TIME", type=_moment,
           help="moment of the transaction (RFC 3339; default now)")  # fmt: skip


def run_make(chosen: argparse.Namespace) -> int:
    """Make a token; nothing is written unless everything can be."""
    currency = currency_of(chosen.currency)
    amount_minor = parse_amount(chosen.amount, currency.code)
    try:
        made = make_token(
            chosen.type,
            chosen.merchant_id,
            chosen.card,
            amount_minor,
            currency.numeric,
            entropy=Entropy(getattr(chosen, "seed", None), simulated=hasattr(chosen, "seed")),
            now_us=real_now_us() if chosen.at is None else chosen.at,
        )
    except BadRequest as refusal:
        raise WrongUse(refusal.detail) from refusal
    files = {
        "token.json": _json(made.token),
        "clear.json": _json(made.clear),
        "merchant.pem": made.merchant_pem,
        "merchant.key": made.merchant_key_pem,
        "root.pem": made.root_pem,
        "inter.pem": made.intermediate_pem,
    }
    folder: Path = chosen.out
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            _write(folder / name, content)
    except OSError as fault:
        raise WrongUse(f"{folder} cannot be written ({fault.strerror})") from fault
    if chosen.json:
        write_json({name: str(folder / name) for name in files})
    else:
        write(f"{folder}: {', '.join(files)}")
        remark("the key and the cryptogram are for tests: no network accepts them")
    return SUCCESS


def run_open(chosen: argparse.Namespace) -> int:
    """Open a token: its clear JSON, or `{"error": {"code", "detail"}}` and exit 1."""
    certificate, key = _content(chosen.merchant_cert), _content(chosen.merchant_key)
    root, content = _content(chosen.root), _content(chosen.file)
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        return _refused("token_malformed", f"{chosen.file} is no JSON")
    try:
        clear = open_token(
            document, certificate, key, root, real_now_us() if chosen.at is None else chosen.at
        )
    except BadRequest as refusal:
        if refusal.code in FILE_ERRORS:
            raise WrongUse(refusal.detail) from refusal
        return _refused(refusal.code, refusal.detail)
    write_json(clear)
    return SUCCESS


def _no_action() -> int:
    raise WrongUse("token make, or token open? (tap-lab token --help)")


def _refused(code: str, detail: str) -> int:
    write_json({"error": {"code": code, "detail": detail}})
    return FAILED


def _json(document: Mapping[str, object]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _write(path: Path, content: bytes) -> None:
    if path.suffix == ".key":
        path.unlink(missing_ok=True)  # an older file would keep its wider permissions
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
        with os.fdopen(descriptor, "wb") as key_file:
            key_file.write(content)
    else:
        path.write_bytes(content)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            content = opened.read(FILE_BYTES_MAX + 1)
    except OSError as fault:
        raise WrongUse(f"{path} cannot be read ({fault.strerror})") from fault
    if len(content) > FILE_BYTES_MAX:
        raise WrongUse(f"{path} is larger than a token or a certificate can be")
    return content


def _moment(text: str) -> int:
    """Microseconds since 1970, for argparse."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time like 2026-11-21T09:30:00Z") from None
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} names no time zone: end it with Z")
    return round((moment - EPOCH).total_seconds() * 1_000_000)
