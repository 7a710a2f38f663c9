"""Disputes with the unmodified `stripe` client of PyPI; only its address is ours."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.shows.test_shop_day import DATA, engine, folder, run, site_packages

__all__ = ["engine", "folder", "site_packages"]  # fixtures


@pytest.mark.inv(196, 198, 202, 203, 204, 205)
def test_the_python_client_wins_one_and_loses_one(engine: str, site_packages: Path) -> None:
    script = str(DATA / "disputes.py")
    done = run(sys.executable, script, engine, PYTHONPATH=str(site_packages))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "opened": ["dispute", 5000, "fraudulent", "needs_response"],
        "won": ["won", "Ann", "7", True],
        "refund": 100,
        "closed": ["product_not_received", "lost"],
        "refused": [400, "charge_disputed"],
        "listed": ["lost", "won"],
        "events": ["lost", "won"],
    }
