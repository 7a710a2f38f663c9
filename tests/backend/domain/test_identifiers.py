"""Identifiers begin with their time."""

from __future__ import annotations

from backend.domain.identifiers import first_identifier_at, ordered_identifier
from backend.runtime.entropy import Entropy


def test_identifiers_sort_by_time():
    stream = Entropy(1, simulated=True).stream("test")
    made = [ordered_identifier("pay", at_us, stream) for at_us in (1, 2, 16, 10**15, 2 * 10**15)]
    assert made == sorted(made)
    assert len({len(identifier) for identifier in made}) == 1
    assert made[1] < first_identifier_at("pay", 3) < made[2]
    assert first_identifier_at("pay", 2) < made[1]
