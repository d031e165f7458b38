"""The event loop of all proxies: on a thread of its own, so that a busy caller does not hold up traffic."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar

HOST = "127.0.0.1"

T = TypeVar("T")


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="proxies", daemon=True).start()
    return loop


def wait_for(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the loop of the proxies and wait for its result."""
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()


def call(function: Callable[[], None]) -> None:
    """Call a function on the loop of the proxies; when this returns, it has happened."""
    done: Future[None] = Future()

    def run() -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001, it belongs to the caller
            done.set_exception(error)
        else:
            done.set_result(None)

    _loop().call_soon_threadsafe(run)
    done.result()
