"""Serves ministack. Import it only after ``local.emulator`` has set the environment: ministack reads that
once.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from ministack import app as ministack
from ministack.core import lambda_runtime
from ministack.services import apigateway as gateway
from ministack.services import lambda_svc as lambdas

from local import cloudformation_types, emulator_patches
from local.lambda_workers import LambdaLog
from local.ports import HOST

OPEN_SOCKETS = "/_heliograph/sockets"
"""A path of ours beside the emulator's: the connection ids of all open WebSockets, as a JSON list."""


async def serve(port: int, state: Path, *, as_shipped: bool) -> None:
    """Serve until SIGTERM or until standard input ends, then save the state and end the workers."""
    if not as_shipped:
        emulator_patches.apply_all(LambdaLog(state.parent / "lambda.log"))
    cloudformation_types.register()
    config = Config()
    config.bind = [f"{HOST}:{port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.3  # open sockets would hold up every stop for three seconds
    config.websocket_max_message_size = emulator_patches.MESSAGE_BYTES
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, _save)
    threading.Thread(target=_stop_with_parent, args=(loop, stop), daemon=True).start()
    warming = asyncio.create_task(_start_one_process_each())
    await hypercorn_serve(_app, config, shutdown_trigger=stop.wait)
    warming.cancel()
    lambda_runtime.reset()


async def _app(scope: Any, receive: Any, send: Any) -> None:
    """Ministack, and what only tests ask for."""
    if scope["type"] != "http" or scope["path"] != OPEN_SOCKETS:
        await ministack.app(scope, receive, send)
        return
    body = json.dumps(list(gateway._ws_connections)).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": body})


async def _start_one_process_each() -> None:
    """Start a process of every restored function while Cassandra starts, so that no call waits for it."""
    await asyncio.sleep(0.5)  # the state is restored before the port opens
    for (_account, _region, name), record in lambdas._functions.all_items():
        config = record["config"]
        worker, _ = lambda_runtime.acquire_worker(name, config, record["code_zip"])
        try:
            await asyncio.to_thread(
                lambdas._run_with_function_config_scope, config, lambda_runtime.ensure_spawned, worker
            )
        except (RuntimeError, OSError) as error:
            print(f"{name} did not start ahead of its first call: {error}", flush=True)
        finally:
            lambda_runtime.release_worker(worker)


def _save() -> None:
    ministack.save_all(ministack._build_persistence_save_dict())


def _stop_with_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(0, 1024):
        pass
    loop.call_soon_threadsafe(stop.set)
