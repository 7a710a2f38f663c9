"""What was read, as sentences: the same for the command line, the till's screen and the bench.

Takes a masked `Reading` and says whose card it is, what it told, phone or plastic with the
evidence, and what was not done to it. Identifiers of people's own cards are shortened here; a
number that is drawn anew each time is called so. Without Qt.
"""

from __future__ import annotations

from dataclasses import dataclass

from hardware.api import Activation, Medium, ReadApplication, Reading, Sort, Stop
from lab.words import Message, message

_NETWORKS = {
    2: "Mastercard", 3: "Visa", 4: "Amex", 5: "JCB", 6: "Discover", 7: "UnionPay",
}  # fmt: skip
_MEDIUM_KIND = {Medium.PHONE: "good", Medium.PLASTIC: "good", Medium.UNKNOWN: "waiting"}
_UID_SHOWN_FIRST, _UID_SHOWN_LAST = 2, 4


@dataclass(frozen=True, slots=True)
class Account:
    """What to say about one reading.

    Attributes:
        sort: whose it is.
        title: whose card it is, in one line.
        promise: what was not done to it.
        medium: phone, plastic or unknown.
        evidence: how one can tell, each with where it stands.
        facts: what it told: a name and a value that stands as it is.
        stopped: how far reading came, and why no further.
        may_read_on: whether consent would lead further.
    """

    sort: Sort
    title: Message
    promise: Message
    medium: Message
    evidence: tuple[Message, ...]
    facts: tuple[tuple[Message, str], ...]
    stopped: Message
    may_read_on: bool


def account_of(reading: Reading) -> Account:
    """Say what was read."""
    spent = reading.cryptograms > 0
    return Account(
        sort=reading.sort,
        title=message(f"anycard.title.{reading.sort}", kind=_title_kind(reading)),
        promise=Message("anycard.promise.spent" if spent else "anycard.promise", "good"),
        medium=Message(
            f"anycard.medium.{reading.form_factor.medium}",
            _MEDIUM_KIND[reading.form_factor.medium],
        ),
        evidence=tuple(
            message("anycard.evidence", where=evidence.where, says=evidence.says)
            for evidence in reading.form_factor.evidence
        ),
        facts=tuple(_facts(reading)),
        stopped=_stopped(reading),
        may_read_on=reading.stop is Stop.NO_CONSENT,
    )


def _title_kind(reading: Reading) -> str:
    return {Sort.LAB_CARD: "good", Sort.PAYMENT_CARD: "waiting"}.get(reading.sort, "neutral")


def _stopped(reading: Reading) -> Message:
    bad = reading.stop in {Stop.BROKE_A_RULE, Stop.LEFT}
    why = reading.detail.replace("_", " ")
    return message(f"anycard.stop.{reading.stop}", "bad" if bad else "neutral", why=why)


def _facts(reading: Reading) -> list[tuple[Message, str]]:
    found: list[tuple[Message, str]] = [
        (Message("anycard.fact.application"), application_text(application))
        for application in reading.applications
    ]
    if reading.masked_number:
        found.append((Message("anycard.fact.number"), in_groups(reading.masked_number)))
    if not reading.applications:
        found.append((Message("anycard.fact.kind"), reading.kind.name))
    if reading.uid:
        shown = reading.uid if reading.sort is Sort.OTHER else mask_uid(reading.uid)
        name = "anycard.fact.uid.random" if reading.random_uid else "anycard.fact.uid"
        found.append((Message(name), shown))
    if reading.activation is not None:
        found.append((Message("anycard.fact.selection"), selection_text(reading.activation)))
    elif reading.atr:
        found.append((Message("anycard.fact.atr"), reading.atr))
    return found


def application_text(application: ReadApplication) -> str:
    """An application by network or label, and its identifier."""
    name = _NETWORKS.get(application.kernel or 0, "") or application.label
    return f"{name} {application.aid}" if name else application.aid


def selection_text(activation: Activation) -> str:
    """SAK, ATQA and ATS as engineers write them."""
    parts = [f"SAK {activation.sak:02X}"]
    if activation.atqa:
        parts.append(f"ATQA {activation.atqa.hex().upper()}")
    if activation.ats:
        parts.append(f"ATS {activation.ats.hex().upper()}")
    return " · ".join(parts)


def in_groups(number: str) -> str:
    """A masked number as it stands on a card.

    >>> in_groups("424242******4242")
    '4242 42** **** 4242'
    """
    return " ".join(number[at : at + 4] for at in range(0, len(number), 4))


def mask_uid(uid: str) -> str:
    """An identifier by which its owner is not recognized again: its first byte and last two.

    >>> mask_uid("04A1B2C3D4E5F6")
    '04…E5F6'
    """
    if len(uid) <= _UID_SHOWN_FIRST + _UID_SHOWN_LAST:
        return "…" + uid[-2:]
    return f"{uid[:_UID_SHOWN_FIRST]}…{uid[-_UID_SHOWN_LAST:]}"


def document_of(reading: Reading, reader: str, *, consent: bool) -> dict[str, object]:
    """The document of `card read --json`; masked, as the reading is."""
    activation = reading.activation
    return {
        "reader": reader,
        "sort": reading.sort.value,
        "stopped": reading.stop.value,
        "detail": reading.detail,
        "charged": False,
        "stored": False,
        "consent": consent,
        "cryptograms": reading.cryptograms,
        "medium": reading.form_factor.medium.value,
        "evidence": [
            {
                "where": evidence.where,
                "says": evidence.says,
                "points_to": evidence.points_to.value,
                "decides": evidence.decides,
            }
            for evidence in reading.form_factor.evidence
        ],
        "kind": {
            "family": reading.kind.family.value,
            "name": reading.kind.name,
            "source": reading.kind.source,
        },
        "uid": reading.uid if reading.sort is Sort.OTHER else mask_uid(reading.uid),
        "random_uid": reading.random_uid,
        "atr": reading.atr,
        "sak": f"{activation.sak:02X}" if activation else None,
        "atqa": activation.atqa.hex().upper() if activation else None,
        "ats": activation.ats.hex().upper() if activation else None,
        "number": reading.masked_number or None,
        "applications": [
            {
                "aid": application.aid,
                "label": application.label,
                "priority": application.priority,
                "kernel": application.kernel,
                "selected": application.selected,
                "lab": application.lab,
            }
            for application in reading.applications
        ],
        "objects": {f"{tag:02X}": value.hex().upper() for tag, value in reading.objects.items()},
        "exchanges": [
            {
                "name": exchange.name,
                "command": exchange.masked_command,
                "response": exchange.masked_response,
                "duration_us": exchange.duration_us,
            }
            for exchange in reading.exchanges
        ],
    }
