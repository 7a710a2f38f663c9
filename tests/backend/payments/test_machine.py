"""The table of a payment's states: complete, and walked by hypothesis."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.payments.machine import (
    FINAL,
    NEEDS_FOLLOW_UP,
    TRANSITIONS,
    UNSETTLED,
    Happening,
    IllegalTransition,
    State,
    advance,
    can,
    mermaid,
    replay,
)

DIAGRAM = """\
stateDiagram-v2
    [*] --> authorizing: created
    authorizing --> approved: approved
    authorizing --> declined: declined
    authorizing --> not_sent: not_sent
    authorizing --> unknown: no_answer
    not_sent --> authorizing: sent_again
    unknown --> declined: declined
    unknown --> reversing: approval_too_late
    unknown --> reversing: no_trace
    unknown --> reversed: reversed
    reversing --> reversed: reversed
    reversing --> reversing: approval_too_late
    reversed --> reversing: approval_too_late
    declined --> reversing: approval_too_late
    approved --> captured: captured
    approved --> reversing: voided
    captured --> captured: refunded
    captured --> captured: refund_failed
    approved --> [*]
    declined --> [*]
    reversed --> [*]
    captured --> [*]
"""


@pytest.mark.inv(83, 183)
def test_the_table_is_the_diagram():
    assert mermaid() == DIAGRAM


@pytest.mark.parametrize("state", [None, *State])
@pytest.mark.parametrize("happening", Happening)
def test_what_the_table_does_not_have_cannot_happen(state, happening):
    if (state, happening) in TRANSITIONS:
        assert can(state, happening)
        assert advance(state, happening) is TRANSITIONS[state, happening]
    else:
        assert not can(state, happening)
        with pytest.raises(IllegalTransition):
            advance(state, happening)


def test_an_approval_that_was_told_changes_only_by_the_merchants_order():
    possible = {happening for happening in Happening if can(State.APPROVED, happening)}
    assert possible == {Happening.CAPTURED, Happening.VOIDED}


@given(st.data())
def test_whatever_happens_every_unknown_outcome_can_end(data):
    state, story = None, []
    for _ in range(12):
        possible = [happening for happening in Happening if can(state, happening)]
        if not possible:
            break
        story.append(data.draw(st.sampled_from(possible)))
        state = advance(state, story[-1])
    assert replay(story) is state
    assert state in FINAL or state in UNSETTLED or state is State.NOT_SENT
    if state in NEEDS_FOLLOW_UP:
        assert advance(state, Happening.REVERSED) is State.REVERSED


def test_the_empty_story_has_no_state():
    assert replay([]) is None
