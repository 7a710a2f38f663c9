"""SELECT (Book 1, 11.3 and 12): which of the phone's applications a reader talks to, and may use.

Holds what stays from command to command of it: the gate that was heard, the application selected
last (for "next occurrence"), and whether its owner was recognised. Knows no cryptogram.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardware.card.answers import Refused
from hardware.card.directory import (
    PPSE_NAME,
    PSE_FILE,
    PSE_NAME,
    Application,
    applications,
    file_control,
    named,
    ppse,
    pse,
    pse_record,
)
from hardware.card.express import Gate, Permission, permission
from hardware.card.personality import options_list

if TYPE_CHECKING:
    from hardware.apdu import CommandApdu
    from hardware.card.credentials import Credentials
    from hardware.card.purse import Purse

_BY_NAME = 0x04
_FIRST, _NEXT = 0x00, 0x02


@dataclass(frozen=True, slots=True)
class Selected:
    """What SELECT answers: a directory where there are no credentials."""

    answer: bytes
    credentials: Credentials | None = None
    is_contact_directory: bool = False


def check_parameters(command: CommandApdu) -> None:
    """Only selection by name is known, of the first or the next that has it.

    Raises:
        Refused: another kind; it changes nothing.
    """
    if command.p1 != _BY_NAME or command.p2 not in {_FIRST, _NEXT}:
        raise Refused(0x6A86)


class Selection:
    """The selecting half of one card in the field."""

    def __init__(self, element: Purse, *, token_ref: str | None, with_pse: bool) -> None:
        """Nothing heard and nothing selected.

        Args:
            element: where the tokens are.
            token_ref: show this one alone.
            with_pse: list the applications for contact readers too.
        """
        self._element = element
        self._token_ref = token_ref
        self._with_pse = with_pse
        self._gate = Gate()
        self._last: Application | None = None

    def hear(self, frame: bytes) -> None:
        """A reader's frame between two polls; it may announce a transit gate."""
        self._gate.hear(frame)

    def select(self, command: CommandApdu) -> Selected:
        """Select a directory or an application, by its name or the beginning of it.

        Raises:
            Refused: nothing has that name.
        """
        before, self._last = self._last, None
        listed = self._listed()
        if not listed:
            raise Refused(0x6A82)
        if command.data == PPSE_NAME:
            return Selected(ppse(listed))
        if self._with_pse and command.data == PSE_NAME:
            return Selected(pse(), is_contact_directory=True)
        found = named(listed, command.data, before if command.p2 == _NEXT else None)
        if found is None:
            raise Refused(0x6A82)
        credentials = self._element.credentials(found.token.token_ref)
        if credentials is None:
            raise Refused(0x6A82)
        self._last = found
        return Selected(file_control(found, options_list(credentials)), credentials)

    def contact_record(self, number: int, file: int) -> bytes | None:
        """A record of the contact directory; None where there is none."""
        return pse_record(self._listed(), number) if file == PSE_FILE else None

    def _listed(self) -> tuple[Application, ...]:
        return applications(self._element.offered(self._token_ref, at_gate=self._gate.is_transit))

    def permit(self, token_ref: str, *, is_signed: bool = True, owner_wanted: bool = False) -> bool:
        """May this token pay in this field now; whether its owner was recognised for it.

        Args:
            token_ref: the selected token.
            is_signed: the reader asks for a signature; not known yet counts as asked.
            owner_wanted: the reader requires the cardholder to be verified.

        Raises:
            Refused: it may not.
        """
        element = self._element
        if element.armed == token_ref:
            return True
        is_express = self._gate.is_transit and element.express == token_ref
        match permission(is_express=is_express, is_signed=is_signed, owner_wanted=owner_wanted):
            case Permission.SEE_PHONE:
                raise Refused(0x6986)
            case Permission.NO_GATE:
                raise Refused(0x6985)
            case Permission.PASS:
                return False
