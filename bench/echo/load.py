"""Closed-loop load on an echo route: ``python -m bench.echo.load ws://... --route reply --clients 1 10 100``.

Every client sends its next frame when the answer to the last one came, so a latency at many clients is
queueing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from dataclasses import dataclass

import websockets

from bench.speed.lanes import Moments, closed_loop, with_open


@dataclass(frozen=True, slots=True)
class Result:
    """One measurement: answers a second and the percentiles of the round trip in ms."""

    route: str
    clients: int
    per_second: float
    p50: float
    p99: float

    def __str__(self) -> str:
        return (
            f"{self.route:<6} {self.clients:>4} clients  {self.per_second:>6.0f} msg/s"
            f"  p50 {self.p50:.1f} ms  p99 {self.p99:.1f} ms"
        )


class EchoSocket:
    """One socket that talks to itself through a route: a ``Lane``."""

    def __init__(self, url: str, route: str) -> None:
        self._url = url
        self._frame = json.dumps({"action": route, "ref": "m", "text": "x" * 80})

    async def open(self) -> None:
        """Connect, and one round trip."""
        self._socket = await websockets.connect(
            self._url, compression=None, ping_interval=None, open_timeout=120
        )
        await self.exchange()

    async def exchange(self) -> Moments:
        """One round trip."""
        await self._socket.send(self._frame)
        await self._socket.recv()
        return Moments(time.perf_counter(), time.perf_counter())

    async def close(self) -> None:
        """Disconnect."""
        await self._socket.close()


async def measure(url: str, route: str, clients: int, seconds: float) -> Result:
    """Run ``clients`` sockets for ``seconds``, after one unmeasured round trip on each."""
    lanes = [EchoSocket(url, route) for _ in range(clients)]
    sample = await with_open(lanes, lambda: closed_loop(lanes, seconds))
    return Result(route, clients, sample.per_second, sample.ms(0.5), sample.ms(0.99))


def main() -> None:
    """Print one line a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--route", choices=("reply", "post"), nargs="+", default=["reply", "post"])
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    for route in options.route:
        for clients in options.clients:
            print(asyncio.run(measure(options.url, route, clients, options.seconds)), flush=True)


if __name__ == "__main__":
    main()
