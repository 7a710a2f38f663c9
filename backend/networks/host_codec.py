"""The hosts' own reading and writing of ISO 8583, by the `iso8583` library.

A host stands for another company's machine, so it shares the dialect with the switch and not the
code that carries it out: two implementations that meet only in bytes cannot agree on the same
mistake.
"""

from __future__ import annotations

import iso8583

from backend.networks.dialect import DIALECT
from backend.networks.message import Message, check, refuse_too_long
from backend.runtime.errors import MessageError


def encode(message: Message) -> bytes:
    """The message as bytes, without its length.

    Raises:
        MessageError: a field is too long, of the wrong alphabet, or missing.
    """
    check(message.kind, message.fields)
    try:
        raw, _ = iso8583.encode({"t": message.kind, **message.fields}, DIALECT)
    except (iso8583.EncodeError, KeyError) as error:
        raise MessageError(f"cannot write {message.kind}: {_where(error)}") from error
    return bytes(raw)


def decode(raw: bytes) -> Message:
    """The message in these bytes.

    Raises:
        MessageError: anything else than one whole message of the dialect; the text says where.
    """
    refuse_too_long(raw)
    try:
        decoded, _ = iso8583.decode(raw, DIALECT)
    except (iso8583.DecodeError, KeyError) as error:
        raise MessageError(f"not an ISO 8583 message: {_where(error)}") from error
    kind = decoded["t"]
    fields = {key: value for key, value in decoded.items() if key.isdecimal() and key != "1"}
    check(kind, fields)
    return Message(kind, fields)


def _where(error: Exception) -> str:
    """Names the field but never its content: DE 2 is a device account number."""
    if isinstance(error, KeyError):
        return f"DE {error.args[0]} is not in the dialect"
    return f"field {getattr(error, 'field', '?')}: {getattr(error, 'msg', type(error).__name__)}"
