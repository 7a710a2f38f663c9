"""The parameters that payment intents share: of making, changing and confirming one."""

from __future__ import annotations

from backend.gateway.intents import AUTOMATIC, MANUAL
from backend.http.stripe_wire.addresses import read_shipping
from backend.http.stripe_wire.errors import WireError
from backend.http.stripe_wire.params import Params

CAPTURE_METHODS = frozenset({AUTOMATIC, "automatic_async", MANUAL})
USAGES = frozenset({"off_session", "on_session"})
METHOD_TYPES = frozenset({"card", "card_present", "link"})
EMAIL_LENGTH_MAX = 512
DESCRIPTION_LENGTH_MAX = 1_000
STATEMENT_LENGTH_MAX = 22
URL_LENGTH_MAX = 2_048

Fields = dict[str, object]


def read_words(params: Params, fields: Fields) -> None:
    """What people read: description, address for the receipt, statement, shipping."""
    params.into(fields, "description", length_max=DESCRIPTION_LENGTH_MAX)
    params.into(fields, "receipt_email", length_max=EMAIL_LENGTH_MAX)
    params.into(fields, "statement_descriptor", length_max=STATEMENT_LENGTH_MAX)
    params.into(fields, "statement_descriptor_suffix", length_max=STATEMENT_LENGTH_MAX)
    if params.has("shipping"):
        fields["shipping"] = read_shipping(params)


def read_handling(params: Params, fields: Fields) -> None:
    """How the money is taken, and what becomes of the method."""
    capture = params.choice("capture_method", CAPTURE_METHODS)
    if capture is not None:
        fields["capture_method"] = capture
    usage = params.choice("setup_future_usage", USAGES)
    if usage is not None:
        fields["setup_future_usage"] = usage
    read_method_types(params)


def read_presence(params: Params) -> None:
    """Whether the customer is there: judged by nobody here, but its form is."""
    if params.has("off_session"):
        params.choice("off_session", {"true", "false", "one_off", "recurring"})
    params.boolean("error_on_requires_action")
    params.boolean("use_stripe_sdk")
    params.text("return_url", length_max=URL_LENGTH_MAX)


def read_method_types(params: Params) -> None:
    """Which kinds of methods may pay: cards."""
    for kind in params.words("payment_method_types") or []:
        if kind not in METHOD_TYPES:
            raise WireError(
                "payment_method_types knows cards only.",
                code="payment_method_type_unknown", param="payment_method_types", keeps=False,
            )  # fmt: skip
    automatic = params.group("automatic_payment_methods")
    if automatic is not None:
        automatic.boolean("enabled")
        automatic.choice("allow_redirects", {"always", "never"})
