"""The rules of verification by code: how often, how long, how many wrong tries. Pure.

One progress for each method of a token. A code lives ten minutes of lab time; asking for another
one ends it. Three wrong tries spend a method, whichever code they were for, and so do three codes
of which the last has expired. A verification with no method left has failed. Knows neither codes
nor tokens nor where anything is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from backend.networks.tsp_terms import Verified

CODE_LIFE_US = 600_000_000
RESEND_AFTER_US = 30_000_000
SENDS_MAX = 3
TRIES_MAX = 3
LOCKED_US = 86_400_000_000
"""How long a card whose verification failed gets no other chance to verify."""


class Stage(Enum):
    """Where a verification stands."""

    OPEN = "open"
    PASSED = "passed"
    FAILED = "failed"


STAGES = {
    (Stage.OPEN, Verified.ACTIVE): Stage.PASSED,
    (Stage.OPEN, Verified.FAILED): Stage.FAILED,
}


def advance(stage: Stage, outcome: Verified) -> Stage:
    """The stage after an outcome; most change nothing."""
    return STAGES.get((stage, outcome), stage)


@dataclass(frozen=True, slots=True)
class Progress:
    """What was done with one method so far.

    Attributes:
        sent_at_us: when the last code was sent.
        expires_at_us: when that code ends.
    """

    sends: int = 0
    sent_at_us: int = 0
    expires_at_us: int = 0
    wrong_tries: int = 0

    def is_spent(self, now_us: int) -> bool:
        """Whether nothing more can be done with this method."""
        if self.wrong_tries >= TRIES_MAX:
            return True
        return self.sends >= SENDS_MAX and now_us >= self.expires_at_us

    def resend_in_us(self, now_us: int) -> int:
        """How long until another code may be asked for; 0 also when none is left to ask for."""
        if not self.sends or self.sends >= SENDS_MAX:
            return 0
        return max(0, self.sent_at_us + RESEND_AFTER_US - now_us)

    def may_send(self, now_us: int) -> Verified:
        """CODE_SENT, or why no code is sent."""
        if self.is_spent(now_us):
            return Verified.METHOD_SPENT
        if self.sends >= SENDS_MAX:
            return Verified.SENDS_USED
        if self.resend_in_us(now_us):
            return Verified.TOO_EARLY
        return Verified.CODE_SENT

    def sent(self, now_us: int) -> Progress:
        """After another code was sent."""
        return replace(
            self,
            sends=self.sends + 1,
            sent_at_us=now_us,
            expires_at_us=now_us + CODE_LIFE_US,
        )

    def judge(self, now_us: int, *, is_right: bool) -> Verified:
        """What a code is worth: ACTIVE, CODE_WRONG, or why it was not looked at."""
        if not self.sends:
            return Verified.CODE_NOT_SENT
        if self.is_spent(now_us):
            return Verified.METHOD_SPENT
        if now_us >= self.expires_at_us:
            return Verified.CODE_EXPIRED
        return Verified.ACTIVE if is_right else Verified.CODE_WRONG

    def missed(self) -> Progress:
        """After one more wrong try."""
        return replace(self, wrong_tries=self.wrong_tries + 1)
