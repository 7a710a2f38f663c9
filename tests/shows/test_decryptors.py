"""Tokens of `tap-lab token make` open in programs of other people; a spoilt one is refused here.

The decryptors come from npm (both versions) and from PyPI (EC_v1), each into a folder of the run.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab.cli import main

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "data"
LIMIT_S = 180
NODE = """
const { ApplePaymentTokenContext } = require('@basis-theory/apple-pay-js');
const fs = require('fs');
const folder = process.argv[1] + '/';
const context = new ApplePaymentTokenContext({ merchants: [{
  certificatePem: fs.readFileSync(folder + 'merchant.pem'),
  privateKeyPem: fs.readFileSync(folder + 'merchant.key') }] });
const token = JSON.parse(fs.readFileSync(folder + 'token.json'));
console.log(JSON.stringify(context.decrypt(token)));
"""
PYTHON = """
import json, sys
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from applepay.payment import Payment
folder = sys.argv[1] + '/'
read = lambda name: open(folder + name, 'rb').read()
der = lambda name: x509.load_pem_x509_certificate(read(name)).public_bytes(Encoding.DER)
payment = Payment(read('merchant.pem'), read('merchant.key'), der('root.pem'), der('inter.pem'))
token = json.loads(read('token.json'))
print(payment.decrypt(token['header']['ephemeralPublicKey'], token['data']).decode())
"""


def make(folder: Path, version: str) -> Path:
    made = ["token", "make", "--type", version, "--merchant-id", "merchant.lab.shop",
            "--amount", "12.40", "--currency", "USD", "--out", str(folder)]  # fmt: skip
    assert main(made) == 0
    return folder


def run(*command: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - programs that this test installed
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=LIMIT_S,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(cwd), **environment},
    )  # fmt: skip


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("node and npm are missing: apt-get install nodejs npm")
    folder = tmp_path_factory.mktemp("decryptors")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(DATA / "decryptors" / name, folder)
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],  # noqa: S607 - found above
        cwd=folder, capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"the decryptor cannot be installed (is npm out of reach?): {done.stderr}")
    return folder


@pytest.fixture(scope="module")
def site_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--require-hashes", "--target", str(folder),
         "-r", str(DATA / "applepay-requirements.txt")],
        capture_output=True, text=True, check=False, timeout=LIMIT_S,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"the decryptor cannot be installed (is PyPI out of reach?): {done.stderr}")
    return folder


def clear(folder: Path) -> Any:
    return json.loads((folder / "clear.json").read_bytes())


@pytest.mark.inv(95)
@pytest.mark.parametrize("version", ["EC_v1", "RSA_v1"])
def test_a_decryptor_from_npm_opens_it(version: str, tmp_path: Path, node_modules: Path) -> None:
    folder = make(tmp_path / "token", version)
    done = run("node", "-e", NODE, str(folder), cwd=node_modules)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == clear(folder)


def test_a_decryptor_from_pypi_opens_it(tmp_path: Path, site_packages: Path) -> None:
    folder = make(tmp_path / "token", "EC_v1")
    done = run(sys.executable, "-c", PYTHON, str(folder), PYTHONPATH=str(site_packages))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == clear(folder)


@pytest.mark.parametrize("version", ["EC_v1", "RSA_v1"])
def test_a_tampered_one_is_refused_here_for_the_right_reason(
    version: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make(tmp_path / "token", version)
    spoil(folder)
    capsys.readouterr()
    files = ["--merchant-cert", "merchant.pem", "--merchant-key", "merchant.key",
             "--root", "root.pem"]  # fmt: skip
    named = [str(folder / part) if "." in part else part for part in files]
    assert main(["token", "open", str(folder / "token.json"), *named]) == 1
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "token_signature"


def spoil(folder: Path) -> None:
    """Change the last bit of the box."""
    token = json.loads((folder / "token.json").read_bytes())
    sealed = bytearray(base64.b64decode(token["data"]))
    sealed[-1] ^= 1
    token["data"] = base64.b64encode(bytes(sealed)).decode()
    (folder / "token.json").write_text(json.dumps(token))
