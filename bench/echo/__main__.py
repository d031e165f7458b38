"""``python -m bench.echo``: what the local cloud itself costs, on a cloud of its own."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from bench.echo.load import measure
from local.cloud import LocalCloud
from local.deploy import App

APP = App("python -m bench.echo.app", ("bench/echo",))
SECONDS = 4.0


def main() -> int:
    """Print answers a second and the round trip for each route and number of clients."""
    with tempfile.TemporaryDirectory() as folder, LocalCloud(Path(folder), app=APP) as cloud:
        for route in ("reply", "post"):
            for clients in (1, 10, 100):
                print(asyncio.run(measure(cloud.socket_url, route, clients, SECONDS)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
