"""``python -m tests.canary [--prove] [--only FLOW] [--show] [--keep FOLDER]``: is the server blind?

The last line is ``0 of N canaries found``. Exit status 1: one was found, a control was not, or a flow failed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.canary.flows import FLOWS
from tests.canary.report import lines
from tests.canary.run import run


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, search, tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.canary", description=__doc__)
    parser.add_argument("--prove", action="store_true", help="no flows: only plant controls and find them")
    parser.add_argument("--only", default="", help="play flows whose names contain this")
    parser.add_argument("--show", action="store_true", help="print the values that were found")
    parser.add_argument("--keep", type=Path, help="an empty folder for the state of the cloud, which stays")
    options = parser.parse_args(arguments)
    flows = {} if options.prove else {name: flow for name, flow in FLOWS.items() if options.only in name}
    if not (flows or options.prove):
        parser.error(f"no flow is called like that; there are: {', '.join(FLOWS)}")
    if options.keep is not None:
        outcome = run(flows, options.keep.resolve())
    else:
        with tempfile.TemporaryDirectory(prefix="heliograph-canary-") as folder:
            outcome = run(flows, Path(folder))
    for line in lines(outcome, show=options.show):
        print(line)
    return 0 if outcome.passed else 1


if __name__ == "__main__":
    sys.exit(main())
