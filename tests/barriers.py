"""Barriers and fail-points of a test deployment: adapters that wait or fail where a test says so.

``HELIOGRAPH_DECORATE_SERVICES=tests.barriers:decorate`` puts them around the real adapters of every function; a folder
(``HELIOGRAPH_BARRIERS``) is how the test, in another process, talks to them. For a point such as ``send.inbox.put.before``
(function, port, method, side) the test drops a file:

* ``<point>.hold``: the first call to get there writes ``<point>.reached`` and waits for ``<point>.release``;
* ``<point>.kill``: the worker process ends there, once;
* ``<function>.sockets.post_all.gone`` / ``.fail``: the next posts are answered 410 / fail without being made, once.

No file, no effect. The template knows nothing of this, and a test proves that no cloud asset holds it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

HELD_SECONDS = 8.0
"""The longest a call waits: under the ten seconds of a handler."""


class Barriers:
    """The test's side: sets files, waits for files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def hold(self, point: str) -> None:
        """The next call at this point waits until :meth:`release`."""
        (self.folder / f"{point}.hold").touch()

    def release(self, point: str) -> None:
        """Let the held call go on."""
        (self.folder / f"{point}.release").touch()

    def once(self, point: str, what: str) -> None:
        """Do ``kill``, ``gone`` or ``fail`` at the next call at this point."""
        (self.folder / f"{point}.{what}").touch()

    def wait_reached(self, point: str, seconds: float = HELD_SECONDS) -> None:
        """Wait until a call is held at the point. Raises TimeoutError."""
        _wait(self.folder / f"{point}.reached", seconds)

    def used(self, point: str, what: str) -> bool:
        """Whether the effect set by :meth:`once` happened."""
        return not (self.folder / f"{point}.{what}").exists()

    def open_all(self) -> None:
        """Release what is held and forget everything."""
        for held in self.folder.glob("*.reached"):
            held.with_suffix(".release").touch()
        time.sleep(0.05)
        for file in self.folder.iterdir():
            file.unlink(missing_ok=True)


def decorate(services: Any) -> Any:
    """The services with a barrier before and after every method of every port."""
    folder = os.environ.get("HELIOGRAPH_BARRIERS")
    return _Services(services, Path(folder)) if folder else services


class _Services:
    def __init__(self, services: Any, folder: Path) -> None:
        self._services = services
        self._folder = folder
        self._ports: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._services, name)
        if name not in ("cards", "handles", "connections", "connect_numbers", "inbox", "links", "sockets"):
            return value
        return self._ports.setdefault(name, _Port(name, value, self._folder))


class _Port:
    def __init__(self, name: str, port: Any, folder: Path) -> None:
        self._name = name
        self._port = port
        self._folder = folder
        self._function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "").rpartition("-")[2]

    def __getattr__(self, method: str) -> Any:
        real = getattr(self._port, method)
        point = f"{self._function}.{self._name}.{method}"

        def call(*args: Any, **kwargs: Any) -> Any:
            self._pause(f"{point}.before")
            result = self._outcomes(point, args) or real(*args, **kwargs)
            self._pause(f"{point}.after")
            return result

        return call

    def _outcomes(self, point: str, args: tuple[Any, ...]) -> Any:
        """Made-up outcomes for posts."""
        for what in ("gone", "fail"):
            if point.endswith(".sockets.post_all") and args and args[0] and self._take(f"{point}.{what}"):
                from chat.ports.sockets import Outcome  # noqa: PLC0415, runs inside the function only

                return [Outcome.GONE if what == "gone" else Outcome.FAILED for _ in args[0]]
        return None

    def _pause(self, point: str) -> None:
        if self._take(f"{point}.kill"):
            os._exit(137)
        if self._take(f"{point}.hold"):
            (self._folder / f"{point}.reached").touch()
            _wait(self._folder / f"{point}.release", HELD_SECONDS)

    def _take(self, name: str) -> bool:
        """Whether the file was there; only one call gets it."""
        try:
            (self._folder / name).unlink()
        except FileNotFoundError:
            return False
        return True


def _wait(file: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not file.exists():
        if time.monotonic() > end:
            raise TimeoutError(f"{file.name} did not come within {seconds} s")
        time.sleep(0.002)
