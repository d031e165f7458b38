"""``python -m bench.speed [--check]``: what ``make bench FLOW=speed`` runs."""

from __future__ import annotations

import argparse
import sys

from bench.speed.main import PAGE, run


def main() -> int:
    """Measure; the last line is the verdict. Exit code 1 if over budget."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description="Measure speed and growth.")
    parser.add_argument("--check", action="store_true", help="write nothing")
    over = run(page=None if parser.parse_args().check else PAGE)
    print(f"over budget: {'; '.join(over)}" if over else "within budget")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
