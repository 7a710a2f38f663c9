"""A shop's day with the unmodified `stripe` clients of PyPI and npm; only their address is ours.

Each client comes into a folder of the run. The engine is a child process; the ledger that the day
leaves behind is verified.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data" / "stripe"
LIMIT_S = 180


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lab"


@pytest.fixture
def engine(folder: Path) -> Iterator[str]:
    """The address of an engine on an empty folder; its books are in order at the end."""
    serving = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "backend", "serve", "--profile", "instant",
         "--data-dir", str(folder)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "TAPLAB_KEY_HOME": "file"},
    )  # fmt: skip
    assert serving.stdout is not None
    try:
        yield str(json.loads(serving.stdout.readline())["url"])
    finally:
        serving.terminate()
        serving.wait(LIMIT_S)
        serving.stdout.close()
    report = run(sys.executable, "-m", "backend", "verify", "--json", "--data-dir", str(folder))
    assert report.returncode == 0, report.stdout


def run(*command: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - programs that this test installed
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=LIMIT_S,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(cwd), "TAPLAB_KEY_HOME": "file",
             **environment},
    )  # fmt: skip


@pytest.fixture(scope="module")
def site_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--require-hashes", "--target", str(folder),
         "-r", str(DATA / "requirements.txt")],
        capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"the client cannot be installed (is PyPI out of reach?): {done.stderr}")
    return folder


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("node and npm are missing: apt-get install nodejs npm")
    folder = tmp_path_factory.mktemp("merchant")
    for name in ("package.json", "package-lock.json", "shop_day.js"):
        shutil.copy(DATA / name, folder)
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],  # noqa: S607 - found above
        cwd=folder, capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"the client cannot be installed (is npm out of reach?): {done.stderr}")
    return folder


def error(status: int, code: str | None, param: str | None = None) -> dict[str, object]:
    return {"status": status, "code": code, "param": param}


@pytest.mark.inv(172, 174, 177, 184, 188, 189, 191)
def test_the_python_client_has_its_day(engine: str, site_packages: Path) -> None:
    script = str(DATA / "shop_day.py")
    done = run(sys.executable, script, engine, PYTHONPATH=str(site_packages))
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen == {
        "account": ["mer_corner_market", True],
        "customer": ["Ann", {"table": "4"}, "555"],
        "methods": ["4242"],
        "held": ["requires_capture", 1240, False, "Ann"],
        "again": [True, "true", True],
        "captured": ["succeeded", 1000],
        "refunds": [250, 750, "usd"],
        "charge": 1000,
        "token": ["mastercard", "succeeded", True, "eur"],
        "setup": "succeeded",
        "pages": [3, True],
        "listed": [8, 8, True],
        "errors": {
            "card": error(402, "card_declined"),
            "unknown": error(400, "parameter_unknown", "colour"),
            "missing": error(400, "parameter_missing", "currency"),
            "nobody": error(404, "resource_missing", "id"),
            "key": error(401, None),  # this client keeps no code of these two
            "idempotency": error(400, None),
        },
        "decline": ["generic_decline", "requires_payment_method"],
    }


@pytest.mark.inv(172, 174, 184, 189)
def test_the_node_client_has_its_day(engine: str, node_modules: Path) -> None:
    done = run("node", "shop_day.js", engine, cwd=node_modules)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "held": ["requires_capture", True, "true"],
        "captured": ["succeeded", 2000],
        "refund": [500, "refund"],
        "customers": 6,
        "errors": {
            "card": error(402, "card_declined"),
            "unknown": error(400, "parameter_unknown", "colour"),
            "key": error(401, "api_key_invalid"),
            "idempotency": error(400, "idempotency_mismatch"),
        },
    }


@pytest.mark.inv(196, 247, 248)
def test_the_python_client_has_its_evening(engine: str, folder: Path, site_packages: Path) -> None:
    token = (folder / "engine.token").read_text().strip()
    script = str(DATA / "shop_evening.py")
    done = run(sys.executable, script, engine, token, PYTHONPATH=str(site_packages))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "endpoint": ["enabled", True],
        "succeeded": [True, 5000],
        "dispute": ["needs_response", 5000, True],
        "closed": ["under_review", "won"],
        "disputed": True,
        "events": ["charge.dispute.created", "payment_intent.succeeded"],
        "event": True,
        "line": [10_000, 320, 9_680],
        "pending": "usd",
        "payout": ["payout", "usd", "paid"],
        "lines": [["charge", "payout"], True, True],
    }
