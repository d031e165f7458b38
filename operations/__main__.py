"""``python -m operations trace MESSAGE --stage dev``: what ``make trace MESSAGE=... STAGE=...`` calls.

For the local cloud it is ``python -m local trace``, which knows where that one keeps its log.
"""

from __future__ import annotations

import argparse
import sys

from operations import trace
from operations.stage_logs import StageLogs, StageUnreachable


def main(arguments: list[str] | None = None) -> int:
    """Print the hops of one message; exit status 1 where nothing is found, 2 where it cannot be asked."""
    parser = argparse.ArgumentParser(prog="python -m operations", description="Ask the logs of a stage.")
    commands = parser.add_subparsers(required=True)
    tracing = commands.add_parser("trace", help="the way of one message; never its content")
    tracing.add_argument("message", help="its id, or what logs call it")
    tracing.add_argument("--stage", required=True, help="a stage in AWS; credentials and Region as usual")
    given = parser.parse_args(arguments)
    logs = StageLogs(given.stage)
    try:
        name = trace.name_in_logs(given.message, logs.key())
        found = trace.hops(logs.entries(name, trace.sent_at(given.message)), name)
    except (trace.NotAMessage, StageUnreachable) as problem:
        print(problem, file=sys.stderr)
        return 2
    print("\n".join(trace.report(found, name)))
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
