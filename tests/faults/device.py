"""A device of a fault run: the SDK in a process of its own, which can be killed, frozen and set back.

The parent's half. The child (:mod:`tests.faults.device_main`) is forked from a server that has everything
imported already, so a device costs milliseconds, and ``kill -9`` hits a real process.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import multiprocessing
import os
import shutil
import signal
import sqlite3
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from tests.faults.history import Recorder
from tests.faults.proxies import TcpProxy

ANSWER_SECONDS = 60.0
"""How long a command may take: longer than any fault lasts."""

REPAIR_EVERY_MS = 400
"""How often a peer may be asked for what could not be read: the SDK waits for an hour."""

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.faults.device_main"])
_numbers = itertools.count()


class DeviceGone(Exception):
    """The process ended before it answered."""


class DeviceRefused(Exception):
    """The SDK raised: ``code`` is that of its HeliographError, or says which other exception it was."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code

    @property
    def unexpected(self) -> bool:
        """It was no HeliographError: the device or the SDK is broken."""
        return self.code.startswith("unexpected")


@dataclass(frozen=True, slots=True)
class Options:
    """What a device process is told at its start.

    ``door``: the port its sockets go by way of. ``skew_ms`` is added to its clock. ``keep_alive``,
    ``receipt_after_ms`` and ``repair_every_ms`` shorten times of the SDK, ``one_time`` and ``one_time_kem``
    its pool of keys; ``mutants`` are applied before the store is opened.
    """

    store: str
    base_url: str
    door: int
    history: str
    skew_ms: int = 0
    keep_alive: float = 3.0
    receipt_after_ms: int = 120_000
    repair_every_ms: int = REPAIR_EVERY_MS
    one_time: int = 12
    one_time_kem: int = 4
    mutants: tuple[str, ...] = ()


class DeviceProcess:
    """One device, over all its processes. ``name`` is the harness's, such as ``a1``: account a, device 1."""

    def __init__(self, name: str, options: Options, link: TcpProxy, recorder: Recorder) -> None:
        self.name = name
        self.options = options
        self.link = link
        self.recorder = recorder
        self.account = ""
        self.number = 0
        self.removed = False
        self.copied = False
        """Another process may act as this device, too."""
        self._frozen = False
        self._snapshots: dict[Path, tuple[int, int]] = {}
        self._starting = asyncio.Lock()
        self._process: Any = None
        self._pipe: Connection | None = None
        self._asked: dict[int, asyncio.Future[Any]] = {}

    @property
    def address(self) -> str:
        """``<account>:<device>``, once it is registered."""
        return f"{self.account}:{self.number}"

    @property
    def store(self) -> Path:
        """Its profile file."""
        return Path(self.options.store)

    @property
    def alive(self) -> bool:
        """A process of it runs (or is frozen)."""
        return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int:
        """The process id. Raises DeviceGone if there is none."""
        if not self.alive:
            raise DeviceGone(self.name)
        return int(self._process.pid)

    async def start(self, **changes: Any) -> None:
        """Start a process on the store, with options changed as named, and wait until it is open.

        Does nothing while one runs: the plan and a fault may both want it back.
        """
        async with self._starting:
            if not self.alive:
                await self._start(changes)

    async def _start(self, changes: dict[str, Any]) -> None:
        self.options = replace(self.options, **changes)
        from tests.faults.device_main import main  # noqa: PLC0415  the child's half

        ours, theirs = _context.Pipe()
        self._process = _context.Process(target=main, args=(theirs, asdict(self.options)), daemon=True)
        if self.account:
            self._record("start")
        await asyncio.to_thread(self._process.start)
        theirs.close()
        self._pipe, self._frozen = ours, False
        asyncio.get_running_loop().add_reader(ours.fileno(), self._readable)
        await self.ask("open")

    async def ask(self, command: str, *arguments: Any) -> Any:
        """Let the process run a command of :mod:`tests.faults.device_main` and give its result.

        Raises DeviceGone if it ended first, DeviceRefused for an error of the SDK.
        """
        if self._pipe is None:
            raise DeviceGone(self.name)
        number = next(_numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            self._pipe.send((number, command, arguments))
        except OSError as gone:
            raise DeviceGone(self.name) from gone
        try:
            return await asyncio.wait_for(answer, ANSWER_SECONDS)
        except TimeoutError:
            raise TimeoutError(f"{self.name} did not {command} within {ANSWER_SECONDS:.0f} s") from None
        finally:
            self._asked.pop(number, None)

    async def stop(self) -> None:
        """Close the client as an application does, and end the process."""
        if not self.alive:
            return
        self._record("stop")
        with contextlib.suppress(DeviceGone):
            await self.ask("stop")
        await self._ended()

    async def kill(self) -> None:
        """``kill -9``, frozen or not."""
        if not self.alive:
            return
        self._record("kill")
        os.kill(self.pid, signal.SIGKILL)
        await self._ended()

    async def freeze(self) -> None:
        """SIGSTOP, until :meth:`thaw`."""
        self._record("freeze")
        os.kill(self.pid, signal.SIGSTOP)
        self._frozen = True

    async def thaw(self) -> None:
        """SIGCONT; safe to repeat."""
        if self._frozen and self.alive:
            os.kill(self.pid, signal.SIGCONT)
            self._record("thaw")
        self._frozen = False

    async def snapshot(self) -> Path:
        """Copy the store's files into a new folder, as a backup of the running machine would find them."""
        folder = self.store.parent / f"snapshot-{next(_numbers)}"
        running = self.alive and not self._frozen
        if running:
            os.kill(self.pid, signal.SIGSTOP)
        taken_at = time.monotonic_ns()
        folder.mkdir()
        for file in self.store.parent.glob(f"{self.store.name}*"):
            shutil.copy2(file, folder / file.name)
        if running:
            os.kill(self.pid, signal.SIGCONT)
        self._snapshots[folder] = taken_at, await asyncio.to_thread(_newest_connect, folder / self.store.name)
        return folder

    async def restore(self, path: Path) -> None:
        """Put a snapshot in the place of the store; the process must have ended."""
        if self.alive:
            raise RuntimeError(f"{self.name} still runs")
        for file in self.store.parent.glob(f"{self.store.name}*"):
            file.unlink()
        shutil.copytree(path, self.store.parent, dirs_exist_ok=True)
        snapshot_t, newest_connect = self._snapshots[path]
        self._record("restore", snapshot_t=snapshot_t, newest_connect=newest_connect)

    async def copy(self, path: Path) -> DeviceProcess:
        """Start a second process of the same device, on a snapshot. It is the caller's to stop."""
        self.copied = True
        self._record("copy", snapshot_t=self._snapshots[path][0])
        options = replace(self.options, store=str(path / self.store.name))
        twin = DeviceProcess(f"{self.name}-twin", options, self.link, self.recorder)
        twin.account, twin.number = self.account, self.number
        await twin.start()
        return twin

    async def send(self, to: str, text: str) -> None:
        """Let the application send a text."""
        await self.ask("send", to, text)

    async def cut(self) -> None:
        """Reset its sockets without a close frame."""
        self.link.reset()

    async def go_silent(self) -> None:
        """Leave its sockets half open: nothing passes, nobody is told."""
        self.link.swallow()

    async def slow(self, bytes_per_second: int) -> None:
        """Make it a slow reader; 0 ends that."""
        self.link.slow(bytes_per_second)

    async def skew(self, milliseconds: int) -> None:
        """Set its clock off by that much, from now on and in later processes."""
        self.options = replace(self.options, skew_ms=milliseconds)
        if self.alive:
            await self.ask("skew", milliseconds)

    async def acks(self, mode: Literal["pass", "lose", "double"]) -> None:
        """Lose or double the ``ack`` frames of this process."""
        await self.ask("acks", mode)

    def _record(self, what: str, **fields: Any) -> None:
        self.recorder.record("client", who=self.address, what=what, **fields)

    async def _ended(self) -> None:
        await asyncio.to_thread(self._process.join, 10)
        if self._process.is_alive():
            self._process.kill()
            await asyncio.to_thread(self._process.join)
        self._lost()

    def _readable(self) -> None:
        pipe = self._pipe
        if pipe is None:
            return
        try:
            while pipe.poll():
                number, problem, value = pipe.recv()
                answer = self._asked.get(number)
                if answer is None or answer.done():
                    continue
                if problem is None:
                    answer.set_result(value)
                else:
                    answer.set_exception(DeviceRefused(problem, str(value)))
        except (EOFError, OSError):
            self._lost()

    def _lost(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            asyncio.get_running_loop().remove_reader(pipe.fileno())
            pipe.close()
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(DeviceGone(self.name))


def _newest_connect(store: Path) -> int:
    """The newest connect number that a store tried; read from a copy, so that the store stays as it is."""
    with tempfile.TemporaryDirectory() as folder:
        for file in store.parent.glob(f"{store.name}*"):
            shutil.copy2(file, folder)
        with contextlib.closing(sqlite3.connect(Path(folder) / store.name)) as connection:
            return int(connection.execute("SELECT coalesce(max(number), 0) FROM connects").fetchone()[0])
