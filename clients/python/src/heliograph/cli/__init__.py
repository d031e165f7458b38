"""The command line `helio`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run a command and give its exit code."""
    try:
        from heliograph.cli.app import run  # noqa: PLC0415 - cyclopts is an extra
    except ModuleNotFoundError as missing:
        if missing.name != "cyclopts":
            raise
        sys.stderr.write("helio: the command line is an extra. Next: pip install 'heliograph[cli]'\n")
        return 1
    return run(sys.argv[1:])
