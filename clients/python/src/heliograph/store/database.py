"""The SQLite file behind one worker thread, with group commit; what is secret in it is sealed."""

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

from heliograph.errors import SealRequired, StoreUnreadable
from heliograph.store import os_keyring, schema
from heliograph.store.lock import StoreLock
from heliograph.store.seal import (
    Kind,
    Seal,
    SealedStore,
    change,
    keyring_entry,
    open_sealed,
    register,
)

T = TypeVar("T")
Synchronous = Literal["full", "normal"]
Work = Callable[[sqlite3.Connection], Any]
_Job = tuple[Work, "asyncio.Future[Any] | None"]

MAX_GROUP = 200
"""Jobs that share one commit at most."""
DEFER_SECONDS = 0.1
"""How long work that may be lost waits for a commit to ride on."""

PRAGMAS = ("journal_mode = WAL", "secure_delete = ON", "temp_store = MEMORY", "wal_checkpoint(TRUNCATE)")
"""What is deleted is overwritten, in a log that a crash left too; nothing that was unsealed goes into a
temporary file."""


class Database:
    """One SQLite file, one thread.

    Work is a function of the connection. All work that waits when the thread gets to it runs in one
    transaction, each piece in a savepoint of its own, and is answered after the commit: the more there is
    to do, the fewer commits it takes. A crash before the commit undoes all of it, and nobody was answered.
    """

    def __init__(self, path: Path, synchronous: Synchronous, *, make: bool) -> None:
        if not (make or path.exists()):
            raise SealRequired(None)
        self._lock = StoreLock(path)
        try:
            _keep_private(path)
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                for pragma in (*PRAGMAS, f"synchronous = {synchronous}"):
                    self._connection.execute(f"PRAGMA {pragma}")
                schema.prepare(self._connection)
            except sqlite3.DatabaseError as problem:
                raise StoreUnreadable(f"{path} is not a store: {problem}") from problem
            except BaseException:
                self._connection.close()
                raise
        except BaseException:
            self._lock.release()
            raise
        self._sealed: SealedStore | None = None
        self._unreadable: StoreUnreadable | None = None
        self._scrub = False
        register(self._connection, self)
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._deferred: list[Work] = []
        self._thread = threading.Thread(target=self._work, name=f"store {path.name}", daemon=True)
        self._thread.start()

    @classmethod
    async def open(cls, path: Path, synchronous: Synchronous, seal: Seal | None) -> Database:
        """Open a store, or make it; what takes long about its seal is done on the store's thread.

        Raises:
            StoreLocked: Another process has it open.
            StoreUnreadable: The file is something else, or what it says of its seal makes no sense.
            SealRequired, WrongPassphrase, WrongSeal, KeyringUnavailable: As `open_sealed` says; the file
                stays as it was.
        """
        database = cls(path, synchronous, make=seal is not None)
        try:
            database._sealed = await database.run(lambda connection: open_sealed(connection, seal))
        except BaseException:
            await database.close()
            raise
        return database

    @property
    def kind(self) -> Kind:
        """How the store is sealed."""
        return self._opened().kind

    def seal(self, value: str | bytes | None, label: str) -> str | bytes | None:
        """Seal a value: the SQL function `seal`."""
        return self._opened().seal(value, label)

    def unseal(self, value: str | bytes | None, label: str) -> str | bytes | None:
        """Open a sealed value: the SQL function `unseal`. SQLite would not say why it failed: `run` does."""
        try:
            return self._opened().unseal(value, label)
        except StoreUnreadable as problem:
            self._unreadable = problem
            raise

    def _opened(self) -> SealedStore:
        if self._sealed is None:
            raise SealRequired(None)
        return self._sealed

    async def change_seal(self, new: Seal) -> None:
        """Wrap the store key anew; the old wrapping is gone from the file and its log when this returns.

        Raises:
            WrongSeal, KeyringUnavailable: As `change` says; nothing changed.
        """

        def rewrap(connection: sqlite3.Connection) -> tuple[SealedStore, str | None]:
            entry = keyring_entry(connection)
            self.scrub()
            return change(connection, self._opened(), new), entry

        self._sealed, entry = await self.run(rewrap)
        if entry is not None:
            await asyncio.to_thread(os_keyring.forget, entry)

    def scrub(self) -> None:
        """Say, from within work, that its commit empties SQLite's log: what it replaced is not left there."""
        self._scrub = True

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
                self._unreadable = None
                execute("SAVEPOINT work")
                try:
                    result = work(self._connection)
                except Exception as caught:  # noqa: BLE001 - it is raised where the work came from
                    problem = self._unreadable or caught
                    execute("ROLLBACK TO work")
                execute("RELEASE work")
                if future is not None:
                    answers.append((future, result, problem))
            execute("COMMIT")
        except sqlite3.Error as failure:
            with contextlib.suppress(sqlite3.Error):
                execute("ROLLBACK")
            answers = [(future, None, failure) for _, future in group if future is not None]
        if self._scrub:
            self._scrub = False
            with contextlib.suppress(sqlite3.Error):  # the log is emptied when the store is closed, then
                execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if answers:
            with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
                self._loop.call_soon_threadsafe(_answer, answers)


def _keep_private(path: Path) -> None:
    """Make the file with mode 0600, and what lies beside it: SQLite gives new files the mode of the store."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for suffix in ("", "-wal", "-shm", ".lock"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).chmod(0o600)


def _answer(answers: list[tuple[asyncio.Future[Any], Any, BaseException | None]]) -> None:
    for future, result, problem in answers:
        if future.done():
            continue
        if problem is not None:
            future.set_exception(problem)
        else:
            future.set_result(result)
