"""``python -m bench.cpu.cold``: one cold start in this fresh interpreter, as JSON."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import time

# Nothing may be imported here that a handler would import: it would be missing from what is measured.


def main() -> int:
    """Import a handler; with ``--cassandra``, connect too."""
    parser = argparse.ArgumentParser(prog="python -m bench.cpu.cold")
    parser.add_argument("--function", default="send")
    parser.add_argument("--cassandra", type=int, default=0)
    options = parser.parse_args()
    found = {}
    wall, cpu = time.perf_counter(), time.process_time()
    importlib.import_module(f"functions.{options.function}.handler")
    found["imports"] = (time.perf_counter() - wall, time.process_time() - cpu)
    if options.cassandra:
        from bench.cpu.handlers import environment  # noqa: PLC0415, see above

        os.environ.update(environment(options.cassandra, 1))
        from chat.adapters.cassandra.session import Cassandra  # noqa: PLC0415
        from chat.settings import CassandraSettings  # noqa: PLC0415

        database = Cassandra.for_settings(CassandraSettings.from_env(os.environ))
        wall, cpu = time.perf_counter(), time.process_time()
        database.connect()
        found["connect"] = (time.perf_counter() - wall, time.process_time() - cpu)
        database.close()
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
