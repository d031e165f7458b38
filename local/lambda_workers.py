"""How a Lambda runs at home: a pool of at most ``WORKERS`` processes a function, spoken to from the event
loop.

ministack starts two threads for every invocation, waits 50 ms for log lines that may never come, has no upper
bound for authorizers and Invokes and exactly one process for a WebSocket route. Here every invocation,
whatever caused it, takes one of ``WORKERS`` places of its function, writes one line to a worker and waits for
one line on the event loop. As on AWS, a handler that raises keeps its process; one that runs into its timeout
loses it.

All names of ministack used here are checked by ``local.emulator_patches``.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime as runtime

#: Processes of one function at once. Handlers that wait overlap, memory stays low; more gain no throughput.
WORKERS = 4

#: A request up to this many bytes fits a pipe for sure, so that writing it cannot block the event loop.
PIPE_BYTES = 32 * 1024

#: Starts a line on a worker's stderr, ahead of the id of the request it belongs to.
TAG = "\x1e"

FAILED = "heliograph.failed"

_gates: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(WORKERS))

# Goes to the start of ministack's worker. Whatever a handler prints or logs goes to stderr at once, each line
# with its request, so that nobody has to wait for it and none is credited to the wrong invocation. And the
# worker dies with the emulator: one that runs a handler, or whose driver still has threads, would outlive it
# for seconds.
WORKER_START = """
import ctypes, os, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9)

class _TaggedStderr:
    def __init__(self, stream):
        self.stream, self.request, self.rest = stream, "init", ""

    def write(self, text):
        *lines, self.rest = (self.rest + text).split("\\n")
        if lines:
            self.stream.write("".join(f"\\x1e{self.request}\\x1e{line}\\n" for line in lines))
            self.stream.flush()
        return len(text)

    def flush(self):
        self.stream.flush()

    def __getattr__(self, name):
        return getattr(self.stream, name)

sys.stderr = _TaggedStderr(sys.stderr)
"""


class LambdaLog:
    """``lambda.log``: one JSON object a line, ``at`` (ms), ``function``, ``request`` and ``text``, written at
    once.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, function: str, request: str, text: str) -> None:
        """Append one entry. Callable from any thread: an append of one line is one system call."""
        entry = {"at": int(time.time() * 1000), "function": function, "request": request, "text": text}
        os.write(self._file, (json.dumps(entry, ensure_ascii=False) + "\n").encode())

    def copy_stderr(self, worker: Any) -> None:
        """Copy a worker's stderr until it ends; runs in the thread that ministack starts for each worker."""
        function = worker.config.get("FunctionName", worker.func_name)
        try:
            for line in worker._proc.stderr:
                _, request, text = (
                    line.rstrip("\n").split(TAG, 2) if line.startswith(TAG) else ("", "", line.rstrip())
                )
                self.write(function, request, text)
        except (ValueError, OSError):
            return


@dataclass(frozen=True, slots=True)
class Function:
    """A deployed function in one version: its record in ministack."""

    name: str
    config: dict[str, Any]
    code: bytes
    qualifier: str = "$LATEST"


async def invoke(log: LambdaLog, function: Function, event: object, request: str) -> dict[str, Any]:
    """Run one invocation: ``{"status": "ok", "result": ...}`` or ``{"status": "error", "error": ...}``.

    Waits for a free place of the function; a synchronous call of a function to itself would wait forever once
    all places are taken (ours make none). Nothing is retried.
    """
    name, config, qualifier = function.name, function.config, function.qualifier
    async with _gates[runtime._worker_key(name, config, qualifier)]:
        worker, _ = runtime.acquire_worker(name, config, function.code, qualifier=qualifier)
        try:
            answer = await _exchange(worker, event, request)
        finally:
            runtime.release_worker(worker)
    if answer["status"] != "ok":
        log.write(name, request, answer.get("trace") or answer["error"])
    return answer


async def _exchange(worker: Any, event: object, request: str) -> dict[str, Any]:
    """Hand the event to the process of ``worker``, started if there is none, and wait for its answer."""
    timeout = float(worker.config.get("Timeout", 3))
    if worker._proc is None or worker._proc.poll() is not None:
        try:
            await asyncio.to_thread(runtime.ensure_spawned, worker)
        except (RuntimeError, OSError) as error:
            await asyncio.to_thread(runtime.kill_workers, [worker])
            return {"status": "error", "error": str(error)}
    context = {"request_id": request, "invoked_function_arn": worker.config.get("FunctionArn", "")}
    line = json.dumps({"event": event, "ctx": context}).encode() + b"\n"
    answer = await _ask(worker._proc, line, timeout)
    if answer is None:
        await asyncio.to_thread(runtime.kill_workers, [worker])
        return {
            "status": "error",
            "error": f"Task timed out after {timeout:.2f} seconds, or its process died",
        }
    return answer


async def _ask(process: Any, line: bytes, seconds: float) -> dict[str, Any] | None:
    """Write one line and read the answer line; ``None`` when the process died or time ran out."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[dict[str, Any] | None] = loop.create_future()
    received = bytearray()
    output = process.stdout.fileno()

    def settle(answer: dict[str, Any] | None) -> None:
        if not answered.done():
            answered.set_result(answer)

    def readable() -> None:
        chunk = os.read(output, 1 << 18)
        received.extend(chunk)
        if not chunk:
            settle(None)
        elif chunk.endswith(b"\n"):
            answer = _answer_in(received)
            if answer is not None:
                settle(answer)

    loop.add_reader(output, readable)
    expiry = loop.call_later(seconds, settle, None)
    try:
        if len(line) <= PIPE_BYTES:
            _write(process, line)
        else:
            await asyncio.to_thread(_write, process, line)
        return await answered
    except OSError:
        return None
    finally:
        expiry.cancel()
        loop.remove_reader(output)


def _write(process: Any, line: bytes) -> None:
    process.stdin.buffer.write(line)
    process.stdin.buffer.flush()


def _answer_in(received: bytearray) -> dict[str, Any] | None:
    """The worker's answer: the last line, unless that is something a C library printed."""
    last = bytes(received).rstrip(b"\n").rsplit(b"\n", 1)[-1]
    try:
        answer = json.loads(last)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) and answer.get("status") in ("ok", "error") else None
