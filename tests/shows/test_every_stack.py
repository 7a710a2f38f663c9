"""Whole approved taps: three networks on three stacks, from the command line and from the window.

One table of what is shown where; the cells that other shows hold already are named beside it. The
card is the product's own on every stack: in the emulated field, published into a real smart-card
service, or in the field of a virtual PN532. Engines and services are processes, so these tests
take as long as those.

             sim:                        pcscd                         nfcpy's pn532 driver
command line test_tap                    here                          test_pn532
window       here                        here                          test_reader_roles
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.pos.state import PosPhase
from tests.pcsc_stack import PcscStack
from tests.shows.laboratory import Laboratory, opened, tap_lab
from tests.shows.outsiders import Published

KERNELS = {"visa": 3, "mastercard": 2, "amex": 4}


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    """A window's world at the emulated reader."""
    lab = opened(tmp_path_factory.mktemp("window"))
    lab.run(lab.world.wallet.start_with_demo_cards())
    yield lab
    lab.stop()


@pytest.mark.parametrize("network", KERNELS)
def test_from_the_window_at_the_emulated_reader(window: Laboratory, network: str) -> None:
    [card] = [card for card in window.world.wallet.cards if card.network == network]
    sale = window.run(window.world.hands.tap(1300 + KERNELS[network], "USD", card.id))
    assert (sale.phase, sale.tap.kernel) == (PosPhase.APPROVED, KERNELS[network])
    assert len(window.holds(1300 + KERNELS[network])) == 1


@pytest.mark.parametrize("network", KERNELS)
def test_from_the_command_line_over_pcscd(
    pcsc_stack: PcscStack, tmp_path: Path, network: str
) -> None:
    with Published(pcsc_stack, tmp_path, "--network", network) as card:
        token_ref = card.in_reader()["token_ref"]
        done = tap_lab(
            "tap", "--amount", "12.40", "--reader", f"pcsc:{pcsc_stack.reader_name()}",
            "--wait", "20", "--json", data_dir=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        paid = json.loads(done.stdout)
        assert (paid["outcome"], paid["kernel"]) == ("approved", KERNELS[network])
        assert (paid["atc"], paid["token_ref"]) == (1, token_ref)


@pytest.mark.parametrize("network", KERNELS)
def test_from_the_window_over_pcscd(pcsc_stack: PcscStack, tmp_path: Path, network: str) -> None:
    with Published(pcsc_stack, tmp_path, "--network", network) as card:
        card.in_reader()
        lab = opened(tmp_path, f"pcsc:{pcsc_stack.reader_name()}")
        try:
            sale = lab.run(lab.world.hands.tap(1240, "USD"))
            assert (sale.phase, sale.tap.kernel) == (PosPhase.APPROVED, KERNELS[network])
            assert len(lab.holds(1240)) == 1
        finally:
            lab.running.io.stop()  # the engine is `card serve`'s
