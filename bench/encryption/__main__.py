"""``python -m bench.encryption [--calls 300] [--messages 10000] [--json FILE] [--write]``: half a minute."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench.encryption import report, run
from bench.markdown import replace_between
from bench.speed.page import PAGE


def main() -> int:
    """Print the tables; with ``--write`` put them into the page."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.encryption", description="Cost of sealing messages."
    )
    parser.add_argument("--calls", type=int, default=run.CALLS)
    parser.add_argument("--messages", type=int, default=run.MESSAGES)
    parser.add_argument("--json", type=Path, help="write the numbers to this file, too")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/performance.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run.measure(Path(folder), options.calls, options.messages)
    text = report.tables(found)
    print(text)
    if options.json:
        options.json.write_text(json.dumps(asdict(found), indent=1) + "\n")
    if options.write:
        PAGE.write_text(replace_between(PAGE.read_text(), "encryption", text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
