"""What the doctor says of this machine's readers, for the bench; only what is not in order.

The doctor's checks open libraries and ask services, so they run in a thread. Those about the data
folder are told elsewhere.
"""

from __future__ import annotations

import asyncio

from lab.bench.flow import BenchFlow
from lab.bench.state import ReaderFinding
from lab.doctor.checks import examine
from lab.settings import Settings

_NOT_ABOUT_READERS = frozenset(
    {"python", "window", "fonts", "ports", "database", "cache", "disk", "keys", "readers"}
)
"""The list of readers itself is beside the findings."""


async def examine_readers(settings: Settings, bench: BenchFlow) -> None:
    """Look again, and show what was found."""
    bench.findings_are(None)
    found = await asyncio.to_thread(examine, settings)
    bench.findings_are(
        tuple(
            ReaderFinding(finding.name, finding.level, finding.detail, finding.remedy)
            for finding in found
            if finding.level != "ok" and finding.name not in _NOT_ABOUT_READERS
        )
    )
