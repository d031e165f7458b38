"""Barriers and fail-points of a test deployment: adapters that wait or fail where a test says so.

``HELIOGRAPH_DECORATE_SERVICES=tests.barriers:decorate`` puts them around the real adapters of every
function; a folder (``HELIOGRAPH_BARRIERS``) is how the test, in another process, talks to them. For a point
such as ``send.inbox.put.before`` (function, port, method, side) the test drops a file:

* ``<point>.hold``: the first call to get there writes ``<point>.reached`` and waits for ``<point>.release``;
* ``<point>.kill``: the worker process ends there, once;
* ``<function>.sockets.post_all.gone`` / ``.fail``: the next posts are answered 410 / fail unmade, once;
* ``<function>.swap``: the function runs as its mutant of :mod:`tests.mutants`, as long as the file is there.

A file that is not empty counts only for calls whose arguments hold its text, such as an account: what an
earlier test left under way is not caught. No file, no effect. The template knows nothing of this, and a test
proves that no cloud asset holds it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from tests import mutants
from tests.waiting import until

HELD_SECONDS = 8.0
"""The longest a call waits: under the ten seconds of a handler."""

PORTS = ("cards", "handles", "connections", "connect_numbers", "inbox", "used_proofs", "links", "sockets")


class Barriers:
    """The test's side: sets files, waits for files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ran = folder / "ran"
        self._ran.mkdir(parents=True, exist_ok=True)

    def hold(self, point: str, only: str = "") -> None:
        """The next call at this point (about ``only``, if given) waits until :meth:`release`."""
        self._set(f"{point}.hold", only)

    def release(self, point: str) -> None:
        """Let the held call go on."""
        (self.folder / f"{point}.release").touch()

    def once(self, point: str, what: str, only: str = "") -> None:
        """Do ``kill``, ``gone`` or ``fail`` at the next call at this point (about ``only``, if given)."""
        self._set(f"{point}.{what}", only)

    def swap(self, function: str) -> None:
        """Run the mutant of this function from now on."""
        (self.folder / f"{function}.swap").touch()

    async def reached(self, point: str, seconds: float = 30.0) -> None:
        """Wait until a call is held at the point. Raises TimeoutError."""
        await until((self.folder / f"{point}.reached").exists, seconds)

    async def used(self, point: str, what: str, seconds: float = 30.0) -> None:
        """Wait until the effect set by :meth:`once` happened. Raises TimeoutError."""
        file = self.folder / f"{point}.{what}"
        await until(lambda: not file.exists(), seconds)

    def open_all(self) -> None:
        """Release what is held and forget everything."""
        for held in self.folder.glob("*.reached"):
            held.with_suffix(".release").touch()
        time.sleep(0.05)
        for file in self.folder.iterdir():
            if file.is_file():
                file.unlink(missing_ok=True)

    def forget(self) -> None:
        """Forget an earlier run."""
        for file in (*self.folder.iterdir(), *self._ran.iterdir()):
            if file.is_file():
                file.unlink()

    def _set(self, name: str, only: str) -> None:
        """Files appear with their content, never empty first."""
        made = self.folder / f"{name}.new"
        made.write_text(only)
        made.rename(self.folder / name)

    def functions_that_ran(self) -> set[str]:
        """The names of all functions that served anything at all."""
        return {file.name for file in self._ran.iterdir()}


def decorate(services: Any) -> Any:
    """The services with a barrier before and after every method of every port."""
    folder = Path(os.environ["HELIOGRAPH_BARRIERS"])
    function = os.environ["AWS_LAMBDA_FUNCTION_NAME"].rpartition("-")[2]
    (folder / "ran" / function).touch()
    watched = _Services(services, folder, function)
    return mutants.mutable(watched, function, is_on=(folder / f"{function}.swap").exists)


class _Services:
    def __init__(self, services: Any, folder: Path, function: str) -> None:
        self._services = services
        self._folder = folder
        self._function = function
        self._ports: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._services, name)
        if name not in PORTS:
            return value
        return self._ports.setdefault(name, _Port(f"{self._function}.{name}", value, self._folder))


class _Port:
    def __init__(self, name: str, port: Any, folder: Path) -> None:
        self._name = name
        self._port = port
        self._folder = folder

    def __getattr__(self, method: str) -> Any:
        real = getattr(self._port, method)
        point = f"{self._name}.{method}"

        def call(*args: Any, **kwargs: Any) -> Any:
            self._pause(f"{point}.before", args)
            result = self._outcomes(point, args) or real(*args, **kwargs)
            self._pause(f"{point}.after", args)
            return result

        return call

    def _outcomes(self, point: str, args: tuple[Any, ...]) -> Any:
        """Made-up outcomes for posts."""
        for what in ("gone", "fail"):
            if point.endswith(".sockets.post_all") and args[0] and self._take(f"{point}.{what}", args):
                from chat.ports.sockets import Outcome  # noqa: PLC0415, runs inside the function only

                return [Outcome.GONE if what == "gone" else Outcome.FAILED for _ in args[0]]
        return None

    def _pause(self, point: str, args: tuple[Any, ...]) -> None:
        if self._take(f"{point}.kill", args):
            os._exit(137)
        if self._take(f"{point}.hold", args):
            reached, release = (self._folder / f"{point}.{what}" for what in ("reached", "release"))
            reached.touch()
            end = time.monotonic() + HELD_SECONDS
            while not release.exists():
                if time.monotonic() > end:
                    raise TimeoutError(f"{point} was not released within {HELD_SECONDS} s")
                time.sleep(0.002)
            reached.unlink(missing_ok=True)
            release.unlink(missing_ok=True)

    def _take(self, name: str, args: tuple[Any, ...]) -> bool:
        """Whether the file was there and means this call; only one call gets it."""
        file = self._folder / name
        try:
            only = file.read_text()
            if only not in repr(args):
                return False
            file.unlink()
        except FileNotFoundError:
            return False
        return True
