"""The engine as a process: ready line, lock, token, clean stop, and what kill -9 leaves.

Each test starts real processes, which takes a second: that is the thing tested.
"""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.backend.http.phone import Phone

START_LIMIT_S = 20
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("TAPLAB_")},
    "TAPLAB_KEY_HOME": "file",
}


class Child:
    """One `python -m backend serve` (or another command that stays)."""

    def __init__(self, data_dir: Path, *options: str, command: str = "serve") -> None:
        self.data_dir = data_dir
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [
                *(sys.executable, "-m", "backend", command, "--profile", "instant"),
                *("--data-dir", str(data_dir), *options),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )

    def ready(self) -> dict[str, object]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        said: dict[str, object] = json.loads(line)
        return said

    def end(self, number: int) -> tuple[int, str]:
        self.process.send_signal(number)
        _, words = self.process.communicate(timeout=START_LIMIT_S)
        return self.process.returncode, words

    def token(self) -> str:
        return (self.data_dir / "engine.token").read_text().strip()

    def client(self, url: object) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=str(url), headers={"Authorization": f"Bearer {self.token()}"}, trust_env=False
        )


@pytest.fixture
def children() -> Iterator[list[Child]]:
    started: list[Child] = []
    yield started
    for child in started:
        if child.process.poll() is None:
            child.process.kill()
        child.process.communicate()


def verify(data_dir: Path) -> dict[str, object]:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "backend", "verify", "--json", "--data-dir", str(data_dir)],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=START_LIMIT_S,
        check=False,
    )
    report: dict[str, object] = json.loads(done.stdout)
    assert done.returncode == (0 if report["ok"] else 1)
    return report


async def provision(phone: Phone, url: object) -> dict[str, object]:
    """Sign in, add a card and take its keys from the push connection."""
    await phone.sign_in()
    card = await phone.add_card()
    address = f"{url}/api/devices/{phone.device_id}/push".replace("http", "ws", 1)
    cookie = f"session={phone.client.cookies['session']}"
    async with connect(address, additional_headers={"Cookie": cookie}) as push:
        message = json.loads(await push.recv())
        phone.install(message)
        await push.send(json.dumps({"ack": message["id"]}))
    return card


def test_one_engine_a_folder_with_a_private_token(tmp_path: Path, children: list[Child]) -> None:
    first = Child(tmp_path / "lab")
    children.append(first)
    said = first.ready()
    assert said["pid"] == first.process.pid
    announced = json.loads((tmp_path / "lab" / "engine.json").read_text())
    assert {"url", "pid", "started_at"} == set(announced)
    assert announced["url"] == said["url"]
    assert stat.S_IMODE((tmp_path / "lab" / "engine.token").stat().st_mode) == 0o600

    second = Child(tmp_path / "lab")
    children.append(second)
    out, words = second.process.communicate(timeout=START_LIMIT_S)
    assert second.process.returncode == 3
    assert out == ""
    assert str(said["url"]) in words
    assert words.count("\n") == 1

    code, words = first.end(signal.SIGTERM)
    assert (code, words) == (0, "")
    assert not (tmp_path / "lab" / "engine.json").exists()
    assert verify(tmp_path / "lab")["ok"]


def test_a_killed_engine_comes_back_with_everything_acknowledged(
    tmp_path: Path, children: list[Child]
) -> None:
    async def before(url: object) -> tuple[Phone, dict[str, object], bytes]:
        async with first.client(url) as client:
            phone = Phone(client)
            card = await provision(phone, url)
            body = phone.tap(card["tokenRef"])
            answer = await phone.pay(body, "T0000001-1")
            assert answer.json()["approved"], answer.text
            await client.post("/lab/clock", json={"jump_s": 3_600})
            back = (await client.post("/lab/clock", json={"reset": True})).json()
            assert (back["clock_moved"], back["clock_offset_s"]) == (False, 0.0)
            assert set(back) == set((await client.get("/lab/clock")).json())
            both = await client.post("/lab/clock", json={"reset": True, "rate": 2})
            assert (both.status_code, both.json()["code"]) == (400, "clock_order")
            moved = await client.post("/lab/clock", json={"jump_s": 86_400})
            assert moved.json()["clock_moved"]
            assert (await client.post(f"/api/cards/{card['id']}/suspend", json={})).is_success
            late = await client.post("/lab/clock", json={"reset": True})
            assert (late.status_code, late.json()["code"]) == (409, "clock_history_ahead")
            assert (await client.get("/lab/clock")).json()["clock_moved"]
            backwards = await client.post("/lab/clock", json={"jump_s": -1})
            assert (backwards.status_code, backwards.json()["code"]) == (400, "clock_range")
            return phone, body, answer.content

    async def after(url: object, phone: Phone, body: dict[str, object], told: bytes) -> int:
        async with second.client(url) as client:
            phone.client = client
            again = await phone.pay(body, "T0000001-1")
            assert again.content == told
            state = (await client.get("/lab/state")).json()
            assert state["clock_moved"]
            assert state["clock_offset_s"] == pytest.approx(86_400, abs=60)
            assert state["faults"] == []
            address = f"{url}/lab/events?since=0&token={second.token()}".replace("http", "ws", 1)
            async with connect(address) as events:
                hello = json.loads(await events.recv())["hello"]
                seen = [json.loads(await events.recv()) for _ in range(hello["missed"])]
            assert [each["seq"] for each in seen] == sorted({each["seq"] for each in seen})
            assert "payment.approved" in {each["kind"] for each in seen}
            return int(state["seed"])

    folder = tmp_path / "lab"
    first = Child(folder, "--seed", "11")
    children.append(first)
    phone, body, told = asyncio.run(before(first.ready()["url"]))
    assert first.end(signal.SIGKILL)[0] == -signal.SIGKILL
    assert verify(folder)["ok"]
    second = Child(folder)
    children.append(second)
    assert asyncio.run(after(second.ready()["url"], phone, body, told)) == 11
    assert second.end(signal.SIGINT)[0] == 0
    assert verify(folder)["ok"]


def test_an_engine_that_was_started_for_someone_goes_when_they_go(
    tmp_path: Path, children: list[Child]
) -> None:
    child = Child(tmp_path / "lab", "--exit-when-idle")
    children.append(child)
    url = child.ready()["url"]

    async def attach() -> None:
        address = f"{url}/lab/attach?token={child.token()}".replace("http", "ws", 1)
        async with connect(address), child.client(url) as client:
            assert (await client.get("/lab/state")).json()["attached"] == 1

    asyncio.run(attach())
    child.process.communicate(timeout=START_LIMIT_S)
    assert child.process.returncode == 0


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        (["serve", "--host", "0.0.0.0"], 2, "--allow-non-loopback"),  # noqa: S104 - refused
        (["serve", "--database-url", "postgresql://x/y"], 2, "sqlite:///"),
        (["serve", "--redis-url", "nonsense"], 3, "--redis-url"),
        (["verify"], 3, "no engine's data"),
        (["nonsense"], 2, "invalid choice"),
    ],
)
def test_wrong_use_says_what_to_do(
    tmp_path: Path, options: list[str], code: int, word: str
) -> None:
    data_dir = [] if options == ["nonsense"] else ["--data-dir", str(tmp_path)]
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "backend", *options, *data_dir],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=START_LIMIT_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "")
    assert word in done.stderr


@pytest.mark.parametrize("command", ["serve", "networks", "migrate", "verify"])
def test_every_command_has_help_with_an_example(command: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "backend", command, "--help"],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=START_LIMIT_S,
        check=True,
    )
    assert f"example: python -m backend {command}" in done.stdout


def test_the_networks_run_apart(tmp_path: Path, children: list[Child]) -> None:
    child = Child(tmp_path, command="networks")
    children.append(child)
    said = child.ready()
    assert set(said) == {"iso", "tsp_url", "pid"}
    key = httpx.get(f"{said['tsp_url']}/visa/tsp/key", trust_env=False).json()
    assert (key["kty"], key["crv"]) == ("EC", "P-256")
    assert child.end(signal.SIGTERM) == (0, "")


def test_hosts_that_run_apart_serve_an_engine_and_come_back(
    tmp_path: Path, children: list[Child]
) -> None:
    hosts_dir = tmp_path / "hosts"
    lonely = Child(tmp_path / "lab", "--networks-dir", str(hosts_dir))
    children.append(lonely)
    assert "start python -m backend networks" in lonely.process.communicate()[1]
    assert lonely.process.returncode == 3
    hosts = Child(hosts_dir, command="networks")
    children.append(hosts)
    said = hosts.ready()
    engine = Child(tmp_path / "lab", "--networks-dir", str(hosts_dir))
    children.append(engine)
    url = engine.ready()["url"]

    async def pay_then_lose_the_hosts() -> Phone:
        async with engine.client(url) as client:
            phone = Phone(client)
            card = await provision(phone, url)
            answer = await phone.pay(phone.tap(card["tokenRef"]), "T0000001-1")
            assert answer.json()["approved"], answer.text
            refused = await client.post("/lab/world/snapshot", json={"directory": "x"})
            assert (refused.status_code, refused.json()["code"]) == (409, "networks_apart")
            hosts.end(signal.SIGTERM)
            answer = await phone.pay(phone.tap(card["tokenRef"]), "T0000001-2")
            assert answer.json()["status"] in ("not_sent", "pending")
            return phone

    asyncio.run(pay_then_lose_the_hosts())
    again = Child(hosts_dir, command="networks")
    children.append(again)
    assert again.ready()["iso"] == said["iso"]
    assert engine.end(signal.SIGTERM)[0] == 0
    assert not (tmp_path / "lab" / "networks.db").exists()
    assert verify(tmp_path / "lab")["ok"]
