"""What the README shows is what the code says."""

from __future__ import annotations

from pathlib import Path

from backend.faults import catalogue
from backend.payments.machine import mermaid

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_payment_diagram_is_drawn_from_the_table():
    assert f"```mermaid\n{mermaid().strip()}\n```" in README


def test_the_table_of_faults_is_the_catalogues():
    section = README.split("## What can be broken")[1].split("##")[0]
    rows = [row for row in section.splitlines() if row.startswith("| `")]
    shown = {}
    for row in rows:
        _, links, effects, _ = row.split("|")
        for kind, offered in catalogue.KINDS.items():
            if f"{kind}`" in links:
                shown[kind] = effects.replace("`", "").split()
                assert sorted(shown[kind]) == sorted(offered), kind
    assert shown.keys() == catalogue.KINDS.keys()


def test_every_effect_is_explained_where_it_is_defined():
    words = set((catalogue.__doc__ or "").replace(",", " ").split())
    assert words >= catalogue.EFFECTS
    keys = {
        key for kind in catalogue.KINDS.values() for terms in kind.values() for key in terms.takes
    }
    assert words >= keys
