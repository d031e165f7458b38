"""The SQLite file behind one worker thread, with group commit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

from heliograph.errors import StoreUnreadable
from heliograph.store import schema
from heliograph.store.lock import StoreLock

T = TypeVar("T")
Synchronous = Literal["full", "normal"]
Work = Callable[[sqlite3.Connection], Any]
_Job = tuple[Work, "asyncio.Future[Any] | None"]

MAX_GROUP = 200
"""Jobs that share one commit at most."""
DEFER_SECONDS = 0.1
"""How long work that may be lost waits for a commit to ride on."""


class Database:
    """One SQLite file, one thread.

    Work is a function of the connection. All work that waits when the thread gets to it runs in one
    transaction, each piece in a savepoint of its own, and is answered after the commit: the more there is
    to do, the fewer commits it takes. A crash before the commit undoes all of it, and nobody was answered.
    """

    def __init__(self, path: Path, synchronous: Synchronous) -> None:
        self._lock = StoreLock(path)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute(f"PRAGMA synchronous = {synchronous}")
                schema.prepare(self._connection)
            except sqlite3.DatabaseError as problem:
                raise StoreUnreadable(f"{path} is not a store: {problem}") from problem
            except BaseException:
                self._connection.close()
                raise
        except BaseException:
            self._lock.release()
            raise
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._deferred: list[Work] = []
        self._thread = threading.Thread(target=self._work, name=f"store {path.name}", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run work on the store's thread and wait until its result is durable.

        Cancelling the caller does not undo the work. Errors of the work arrive here; its writes are undone.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        self._flush_deferred()
        self._jobs.put((work, future))
        return await future

    def later(self, work: Work) -> None:
        """Run work together with the next awaited one, soon in any case; a crash may lose it."""
        if not self._deferred:
            self._loop.call_later(DEFER_SECONDS, self._flush_deferred)
        self._deferred.append(work)

    def _flush_deferred(self) -> None:
        for work in self._deferred:
            self._jobs.put((work, None))
        self._deferred.clear()

    async def close(self) -> None:
        """Finish what was given, close the file, release the lock."""
        self._flush_deferred()
        self._jobs.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _work(self) -> None:
        open_for_work = True
        while open_for_work:
            group: list[_Job] = []
            job = self._jobs.get()
            while True:
                if job is None:
                    open_for_work = False
                    break
                group.append(job)
                if len(group) == MAX_GROUP:
                    break
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
            if group:
                self._commit(group)
        self._connection.close()
        self._lock.release()

    def _commit(self, group: list[_Job]) -> None:
        answers: list[tuple[asyncio.Future[Any], Any, BaseException | None]] = []
        execute = self._connection.execute
        try:
            execute("BEGIN")
            for work, future in group:
                result, problem = None, None
                execute("SAVEPOINT work")
                try:
                    result = work(self._connection)
                except Exception as caught:  # noqa: BLE001 - it is raised where the work came from
                    problem = caught
                    execute("ROLLBACK TO work")
                execute("RELEASE work")
                if future is not None:
                    answers.append((future, result, problem))
            execute("COMMIT")
        except sqlite3.Error as failure:
            with contextlib.suppress(sqlite3.Error):
                execute("ROLLBACK")
            answers = [(future, None, failure) for _, future in group if future is not None]
        if answers:
            with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
                self._loop.call_soon_threadsafe(_answer, answers)


def _answer(answers: list[tuple[asyncio.Future[Any], Any, BaseException | None]]) -> None:
    for future, result, problem in answers:
        if future.done():
            continue
        if problem is not None:
            future.set_exception(problem)
        else:
            future.set_result(result)
