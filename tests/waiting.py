"""Waiting for what another process does: for a condition, with a deadline, never for a length of time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until the condition holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110, no event of ours: it happens elsewhere
            await asyncio.sleep(0.005)
