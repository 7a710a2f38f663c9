"""Settlement on the small world of the payment tests, with networks' files that a test writes."""

from __future__ import annotations

from dataclasses import dataclass, field

from backend.assembly.files import Files
from backend.assembly.ground import Ground
from backend.assembly.settlement import Settlement, open_settlement
from backend.runtime.entropy import Entropy
from backend.settlement.ports import Presentment
from backend.settlement.records import Batch, Payout
from backend.storage.payout_rows import SqlPayoutRows
from backend.storage.settlement_rows import SqlBatchRows

DAY_S = 86_400
DAY_US = DAY_S * 1_000_000


@dataclass
class FileOfTests:
    """The networks' clearing file as a test writes it."""

    lines: list[Presentment] = field(default_factory=list)

    def presentments(self, from_us: int, to_us: int) -> list[Presentment]:
        return [line for line in self.lines if from_us <= line.booked_at_us < to_us]


@dataclass
class Settling:
    """Settlement over a lab; made anew after each restart."""

    lab: object
    files: FileOfTests = field(default_factory=FileOfTests)
    settlement: Settlement = field(init=False)

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """A new process of settlement on the lab's file."""
        lab = self.lab
        now = Entropy(lab.events.next_seq(), simulated=True)
        ground = Ground("simulated", lab.clock, lab.scheduler, now)
        files = Files(lab.database, None, None, None, None)
        self.settlement = open_settlement(files, lab.events, ground, clearing_files=self.files)

    def pass_days(self, days: float, *, after: float = 60) -> None:
        """Let days pass with settlement's clock running."""

        async def passing() -> None:
            clock = self.lab.scheduler.spawn(self.settlement.days.run_forever(), "settlement")
            await self.lab.scheduler.sleep(days * DAY_S + after)
            clock.cancel()

        self.lab.run(passing())

    def batches(self) -> list[Batch]:
        """Every batch, oldest first."""
        found = self.lab.database.read(lambda tx: SqlBatchRows().batches(tx, None, 1_000))
        return found[::-1]

    def payouts(self) -> list[Payout]:
        """Every payout, oldest first."""
        found = self.lab.database.read(lambda tx: SqlPayoutRows().payouts(tx, None, 1_000))
        return found[::-1]

    def balance(self, merchant_id: str = "mer_corner_market") -> dict[str, tuple[int, int, int]]:
        """Pending, available and reserved, by currency."""
        found = self.lab.database.read(lambda tx: self.settlement.payouts.balances(tx, merchant_id))
        return {
            each.currency: (each.pending_minor, each.available_minor, each.reserved_minor)
            for each in found
        }
