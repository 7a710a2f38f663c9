"""A card as it is typed, and as everyone but the vault may know it.

`CardEntry` is the only value outside the vault's own modules that holds a number; it lives from the
form's parser to `CardVault.keep`, never prints and is never stored. Check digit and lengths are
ISO/IEC 7812-1's. Codes of refusals are the words that merchants' programs test. Knows no key and
no SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from backend.domain.pan import luhn_ok, network_of
from backend.runtime.clock import to_datetime
from backend.runtime.errors import BadRequest

LENGTHS = {"visa": (13, 16, 19), "mastercard": (16,), "amex": (15,)}
CODE_DIGITS = {"visa": 3, "mastercard": 3, "amex": 4}
CENTURY = 2000
YEARS_AHEAD_MAX = 50
HOME_COUNTRY = "US"
COUNTRY_PREFIX = "400000"  # of published test numbers: the three digits after it name a country
_COUNTRIES = {
    "032": "AR", "036": "AU", "040": "AT", "056": "BE", "076": "BR", "100": "BG", "124": "CA",
    "152": "CL", "156": "CN", "170": "CO", "188": "CR", "191": "HR", "196": "CY", "203": "CZ",
    "208": "DK", "218": "EC", "233": "EE", "246": "FI", "250": "FR", "276": "DE", "300": "GR",
    "344": "HK", "348": "HU", "356": "IN", "372": "IE", "380": "IT", "392": "JP", "428": "LV",
    "438": "LI", "440": "LT", "442": "LU", "458": "MY", "470": "MT", "484": "MX", "528": "NL",
    "554": "NZ", "578": "NO", "604": "PE", "616": "PL", "620": "PT", "642": "RO", "682": "SA",
    "702": "SG", "703": "SK", "705": "SI", "724": "ES", "752": "SE", "756": "CH", "764": "TH",
    "784": "AE", "826": "GB", "858": "UY",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CardEntry:
    """A card as it was typed.

    Attributes:
        number: digits; spaces and hyphens between them are taken out.
        exp_month: 1 to 12.
        exp_year: four digits, or two of this century.
        cvc: the security code, or None for a card without one.
    """

    number: str = field(repr=False)
    exp_month: int
    exp_year: int
    cvc: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Judge what can be judged without a clock.

        Raises:
            BadRequest: `invalid_number`, `incorrect_number` (check digit, length, or no network's),
                `invalid_expiry_month`, `invalid_expiry_year`, `invalid_cvc`.
        """
        digits = self.number.replace(" ", "").replace("-", "")
        object.__setattr__(self, "number", digits)
        if 0 <= self.exp_year < 100:
            object.__setattr__(self, "exp_year", CENTURY + self.exp_year)
        if not (digits.isascii() and digits.isdecimal()):
            raise BadRequest("invalid_number", "a card number is made of digits", field="number")
        network = network_of(digits)
        if network is None or len(digits) not in LENGTHS[network] or not luhn_ok(digits):
            raise BadRequest("incorrect_number", "this is no card number", field="number")
        if not 1 <= self.exp_month <= 12:
            raise BadRequest("invalid_expiry_month", "a month is 1 to 12", field="exp_month")
        if not CENTURY <= self.exp_year < CENTURY + 100:
            raise BadRequest("invalid_expiry_year", "a year is of this century", field="exp_year")
        self._check_code(network)

    @property
    def network(self) -> str:
        """Whose card it is."""
        network = network_of(self.number)
        assert network is not None, "judged when it was made"
        return network

    @property
    def country(self) -> str:
        """Where it was issued: test numbers say so, every other card is at home."""
        code = self.number[len(COUNTRY_PREFIX) : len(COUNTRY_PREFIX) + 3]
        foreign = self.number.startswith(COUNTRY_PREFIX)
        return _COUNTRIES.get(code, HOME_COUNTRY) if foreign else HOME_COUNTRY

    def check_date(self, at_us: int) -> None:
        """Refuse a card that is over, or that lasts longer than any card.

        Raises:
            BadRequest: `expired_card` or `invalid_expiry_year`.
        """
        today = to_datetime(at_us)
        if (self.exp_year, self.exp_month) < (today.year, today.month):
            raise BadRequest("expired_card", "this card has expired", field="exp_month")
        if self.exp_year > today.year + YEARS_AHEAD_MAX:
            raise BadRequest("invalid_expiry_year", "no card lasts so long", field="exp_year")

    def _check_code(self, network: str) -> None:
        if self.cvc is None:
            return
        good = self.cvc.isascii() and self.cvc.isdecimal()
        if not good or len(self.cvc) != CODE_DIGITS[network]:
            count = CODE_DIGITS[network]
            raise BadRequest("invalid_cvc", f"its security code has {count} digits", field="cvc")


@dataclass(frozen=True, slots=True)
class StoredCard:
    """A card of the vault without its number.

    Attributes:
        id: "card_…".
        fingerprint: the same for the same number, whoever keeps it; a keyed hash (C52), so that
            nobody finds the number by trying all of them.
        country: ISO 3166 letters of its issuer.
    """

    id: str
    merchant_id: str
    network: str
    last4: str
    exp_month: int
    exp_year: int
    fingerprint: str
    country: str
    created_at_us: int

    @property
    def expiry(self) -> str:
        """YYMM, as messages carry it (DE 14)."""
        return f"{self.exp_year % 100:02d}{self.exp_month:02d}"
