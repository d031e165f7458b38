"""`python -m tests.faults.checker FILE`: print the violations of a history; exit code 1 if there are any."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.faults.checker import check
from tests.faults.history import read


def main() -> int:
    """Check the files that were named."""
    if len(sys.argv) < 2:
        print("usage: python -m tests.faults.checker FILE...", file=sys.stderr)
        return 2
    violations = 0
    for name in sys.argv[1:]:
        records = read(Path(name))
        found = check(records)
        violations += len(found)
        for violation in found:
            print(violation)
        print(f"{name}: {len(records)} records, {len(found)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
