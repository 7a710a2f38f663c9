"""Addresses as parameters: of customers, billing and shipping."""

from __future__ import annotations

from backend.http.stripe_wire.params import Params

_LINES = ("line1", "line2", "city", "state", "postal_code", "country")
LINE_LENGTH_MAX = 200

Address = dict[str, object]


def read_address(params: Params, name: str = "address") -> Address | None:
    """An address with every line, empty ones as None; None where none is given."""
    group = params.group(name)
    if group is None:
        return None
    given: Address = dict.fromkeys(_LINES)
    for line in _LINES:
        group.into(given, line, length_max=LINE_LENGTH_MAX)
    return given


def read_shipping(params: Params, name: str = "shipping") -> Address | None:
    """A name, a telephone number and an address."""
    group = params.group(name)
    if group is None:
        return None
    given: Address = {"name": None, "phone": None}
    group.into(given, "name", length_max=LINE_LENGTH_MAX)
    group.into(given, "phone", length_max=LINE_LENGTH_MAX)
    return {**given, "address": read_address(group)}


def read_billing(params: Params, name: str = "billing_details") -> Address:
    """Who pays: name, e-mail address, telephone number, address."""
    given: Address = {"name": None, "email": None, "phone": None, "address": None}
    group = params.group(name)
    if group is None:
        return given
    for field in ("name", "email", "phone"):
        group.into(given, field, length_max=LINE_LENGTH_MAX)
    return {**given, "address": read_address(group)}
