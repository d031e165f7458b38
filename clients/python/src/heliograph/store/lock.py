"""One process a store: a lock that dies with its holder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from heliograph.errors import StoreLocked


class StoreLock:
    """An advisory lock beside the store.

    The kernel releases it when the process ends, however it ends; the file stays and means nothing alone.
    It is a file of its own because closing any descriptor of the database drops SQLite's locks on it.
    """

    def __init__(self, store: Path) -> None:
        path = store.with_name(store.name + ".lock")
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._descriptor, 20, 0).strip()
            os.close(self._descriptor)
            raise StoreLocked(str(store), int(holder) if holder.isdigit() else None) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let the next process in."""
        os.close(self._descriptor)
