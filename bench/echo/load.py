"""Closed-loop load on an echo route: ``python bench/echo/load.py ws://... --route reply --clients 1 10 100``.

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


async def measure(url: str, route: str, clients: int, seconds: float) -> Result:
    """Run ``clients`` sockets for ``seconds``, after one unmeasured round trip on each."""
    times: list[float] = []
    ready = asyncio.Barrier(clients)

    async def client(number: int) -> None:
        frame = json.dumps({"action": route, "ref": f"{number}", "text": "x" * 80})
        async with websockets.connect(url, compression=None, open_timeout=60) as socket:
            await socket.send(frame)
            await socket.recv()
            await ready.wait()
            end = time.perf_counter() + seconds
            while (start := time.perf_counter()) < end:
                await socket.send(frame)
                await socket.recv()
                times.append(time.perf_counter() - start)

    await asyncio.gather(*(client(number) for number in range(clients)))
    times.sort()
    return Result(
        route,
        clients,
        len(times) / seconds,
        times[len(times) // 2] * 1000,
        times[int(len(times) * 0.99)] * 1000,
    )


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
