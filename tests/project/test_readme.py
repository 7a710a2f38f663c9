"""What the README shows is what the code says."""

from __future__ import annotations

from pathlib import Path

from backend.payments.machine import mermaid

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_payment_diagram_is_drawn_from_the_table():
    assert f"```mermaid\n{mermaid().strip()}\n```" in README
