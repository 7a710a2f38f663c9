"""What a merchant's settings may be: each is judged by its name, and refused with its field.

Whoever changes a setting names it as `/lab` shows it; what is not named stays as it is. Knows no
rows and no HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from decimal import Decimal
from enum import Enum

from backend.domain.money import is_currency
from backend.gateway.fees import FeePlan
from backend.gateway.merchant_account import STATEMENT_LENGTH, MerchantAccount, PayoutSchedule
from backend.runtime.errors import BadRequest

NAME_LENGTH_MAX = 200
TIERS = (1, 2, 3)
BASIS = 10_000
EVIDENCE_DAYS = (7, 21)
FIXED_MAJOR_MAX = Decimal(1_000)
_CATEGORY = re.compile(r"[0-9]{4}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_STATEMENT = re.compile(r"[\x20-\x7e]*[A-Za-z][\x20-\x7e]*", re.ASCII)
_NOT_ON_A_STATEMENT = frozenset("<>\\'\"*")


def changed(account: MerchantAccount, wanted: Mapping[str, object]) -> MerchantAccount:
    """The account with the settings that are named.

    Raises:
        BadRequest: `unknown_field`, or `setting_invalid` with the field to blame.
    """
    read: dict[str, object] = {}
    for name, value in wanted.items():
        reader = _READERS.get(name)
        if reader is None:
            raise BadRequest("unknown_field", f"merchants have no {name[:40]}", field=name[:40])
        target, judge = reader
        read[target] = judge(name, value, account)
    return replace(account, **read)  # type: ignore[arg-type]  # each judge answers its field's type


def fee_plan_of(body: Mapping[str, object], base: FeePlan | None = None) -> FeePlan:
    """Read a fee plan back; what is not named stays as in `base`.

    Raises:
        BadRequest: `setting_invalid`.
    """
    plan = base or FeePlan()
    known = {each.name for each in fields(plan)}
    values: dict[str, object] = {}
    for name, value in body.items():
        if name not in known:
            raise _invalid("fee_plan", f"a fee plan has no {name[:40]}")
        values[name] = _like(name, getattr(plan, name), value)
    return replace(plan, **values)  # type: ignore[arg-type]  # each is of its field's type


def _like(name: str, known: object, value: object) -> object:
    """A JSON value as the type that the plan has there."""
    field = f"fee_plan.{name}"
    match known:
        case Enum():
            return _one_of(field, type(known), value)
        case Decimal():
            return _amount(field, value, None)
        case _:
            return _basis_points(field, value, None)


def _one_of(field: str, kind: type[Enum], value: object) -> Enum:
    words = [member.value for member in kind]
    if value not in words:
        raise _invalid(field, f"one of {', '.join(map(str, words))}")
    return kind(value)


def _name(field: str, value: object, _account: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > NAME_LENGTH_MAX:
        raise _invalid(field, f"a name of at most {NAME_LENGTH_MAX} characters")
    if any(not character.isprintable() for character in value):
        raise _invalid(field, "a name without control characters")
    return value.strip()


def _category(field: str, value: object, _account: object) -> str:
    if not isinstance(value, str) or not _CATEGORY.fullmatch(value):
        raise _invalid(field, "four digits (ISO 18245)")
    return value


def _country(field: str, value: object, _account: object) -> str:
    if not isinstance(value, str) or not _COUNTRY.fullmatch(value):
        raise _invalid(field, "two capital letters (ISO 3166-1)")
    return value


def _currency(field: str, value: object, _account: object) -> str:
    if not isinstance(value, str) or not is_currency(value.upper()):
        raise _invalid(field, "a currency of ISO 4217")
    return value.upper()


def _schedule(field: str, value: object, _account: object) -> Enum:
    return _one_of(field, PayoutSchedule, value)


def _plan(field: str, value: object, account: object) -> FeePlan:
    assert isinstance(account, MerchantAccount), "the merchant that is changed"
    if not isinstance(value, Mapping):
        raise _invalid(field, "an object with the plan's fields")
    return fee_plan_of(value, account.fee_plan)


def _tier(field: str, value: object, _account: object) -> int:
    if value not in TIERS or isinstance(value, bool):
        raise _invalid(field, "1, 2 or 3")
    assert isinstance(value, int), "one of the tiers"
    return value


def _statement(field: str, value: object, _account: object) -> str:
    shortest, longest = STATEMENT_LENGTH
    fits = isinstance(value, str) and shortest <= len(value) <= longest
    if not fits or not _STATEMENT.fullmatch(str(value)) or set(str(value)) & _NOT_ON_A_STATEMENT:
        raise _invalid(
            field, f"{shortest} to {longest} plain characters with a letter, without < > \\ ' \" *"
        )
    return str(value)


def _basis_points(field: str, value: object, _account: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= BASIS:
        raise _invalid(field, f"a whole number of basis points up to {BASIS}")
    return value


def _amount(field: str, value: object, _account: object) -> Decimal:
    text = value if isinstance(value, str) else ""
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,4})?", text, re.ASCII):
        raise _invalid(field, 'a decimal amount in quotes, such as "15.00"')
    amount = Decimal(text)
    if amount > FIXED_MAJOR_MAX:
        raise _invalid(field, f"at most {FIXED_MAJOR_MAX}")
    return amount


def _flag(field: str, value: object, _account: object) -> bool:
    if not isinstance(value, bool):
        raise _invalid(field, "true or false")
    return value


def _days(field: str, value: object, _account: object) -> int:
    low, high = EVIDENCE_DAYS
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise _invalid(field, f"{low} to {high} days")
    return value


def _invalid(field: str, wanted: str) -> BadRequest:
    return BadRequest("setting_invalid", f"{field} has to be {wanted}", field=field)


_Judge = Callable[[str, object, object], object]
_READERS: dict[str, tuple[str, _Judge]] = {
    "name": ("name", _name),
    "category": ("category", _category),
    "country": ("country", _country),
    "settlement_currency": ("settlement_currency", _currency),
    "payout_schedule": ("payout_schedule", _schedule),
    "fee_plan": ("fee_plan", _plan),
    "tier": ("tier", _tier),
    "statement_name": ("statement_name", _statement),
    "reserve_basis_points": ("reserve_basis_points", _basis_points),
    "dispute_fee": ("dispute_fee_major", _amount),
    "dispute_fee_back_if_won": ("dispute_fee_back_if_won", _flag),
    "evidence_days": ("evidence_days", _days),
}
