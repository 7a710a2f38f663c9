"""`python -m tests.fuzz.again TARGET --seed N --first N [--count N]`: cases once more, by number.

What a failure prints; also the way to try other seeds by hand.
"""

from __future__ import annotations

import argparse
import sys

from tests.fuzz.machinery import SEED, run
from tests.fuzz.targets import TARGETS


def main() -> None:
    """Run the cases; a finding is the traceback."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=[target.name for target in TARGETS])
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=1)
    chosen = parser.parse_args()
    (target,) = (target for target in TARGETS if target.name == chosen.target)
    report = run(target, chosen.first, chosen.count, seed=chosen.seed)
    sys.stdout.write(f"{report.cases} cases, slowest {report.slowest_us} us\n")
    for word, count in report.reached.most_common():
        sys.stdout.write(f"{count:9} {word}\n")


if __name__ == "__main__":
    main()
