"""Every planted defect is noticed by the check that is named for it, and only then.

A few in every run, all with `--full=sabotage`.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.sabotage.planting import ROOT, TESTS_FAILED, Copy, Defect, contracts, read_defects

DEFECTS = read_defects()
QUICK = [defect for defect in DEFECTS if defect.quick]
OF_TESTS = [defect for defect in DEFECTS if not defect.of_contract]


def by_name(defects: list[Defect]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("defect", defects, ids=[defect.name for defect in defects])


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The project as it is, in a place of its own."""
    return Copy(tmp_path_factory.mktemp("sabotage"))


def expect_noticed(copy: Copy, defect: Defect) -> None:
    with copy.with_defect(defect):
        if defect.of_contract:
            broken = copy.broken_contracts()
            assert any(name.startswith(defect.check) for name in broken), (defect.name, broken)
            return
        ran = copy.run_tests(defect.check)
    assert ran.returncode == TESTS_FAILED, f"{defect.name} went unnoticed:\n{ran.stdout[-3000:]}"


@by_name(DEFECTS)
def test_every_defect_can_still_be_planted(defect: Defect) -> None:
    text = (ROOT / defect.file).read_text()
    assert defect.spoil(text) != text
    if defect.of_contract:
        assert sum(name.startswith(defect.check) for name in contracts()) == 1, "stale contract"
        return
    path, _, rest = defect.check.partition("::")
    function = rest.partition("[")[0]
    assert f"def {function}(" in (ROOT / path).read_text() or not function, defect.check


def test_there_are_enough_and_each_contract_is_broken_once() -> None:
    assert len(DEFECTS) >= 30
    assert 2 <= len(QUICK) <= 3
    assert [name for name, times in Counter(d.name for d in DEFECTS).items() if times > 1] == []
    broken = tuple(defect.check for defect in DEFECTS if defect.of_contract)
    assert [name for name in contracts() if not name.startswith(broken)] == []


@by_name(QUICK)
def test_a_few_defects_are_noticed(copy: Copy, defect: Defect) -> None:
    """Over 0.25 s: a check in a process of its own; without the defect this very run shows it."""
    expect_noticed(copy, defect)


def test_a_check_that_sees_nothing_is_told(copy: Copy) -> None:
    """The positive control: harmless, so no check may be said to have noticed it."""
    line = "from __future__ import annotations"
    check = "tests/backend/ledger/test_journal.py"
    harmless = Defect("a comment", "backend/ledger/journal.py", line, f"{line}  # harmless", check)
    with pytest.raises(AssertionError, match="went unnoticed"):
        expect_noticed(copy, harmless)


@pytest.mark.full("sabotage")
def test_without_a_defect_every_check_is_green(copy: Copy) -> None:
    sound = copy.run_tests(*sorted({defect.check for defect in OF_TESTS}))
    assert sound.returncode == 0, sound.stdout[-5000:]
    assert copy.broken_contracts() == set()


@pytest.mark.full("sabotage")
@by_name(DEFECTS)
def test_each_defect_is_noticed_by_the_check_named_for_it(copy: Copy, defect: Defect) -> None:
    expect_noticed(copy, defect)
