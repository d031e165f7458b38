"""The worker's side: the services of a function with a point before and after every call of every port."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests import sign_in
from tests.faults.mutants.catalogue import Switched

HELD_SECONDS = 8.0
"""The longest a call waits: under the ten seconds of a handler."""

PORTS = (
    "cards",
    "chains",
    "handles",
    "connections",
    "connect_numbers",
    "inbox",
    "used_proofs",
    "links",
    "prekeys",
    "limits",
    "codes",
    "spending",
    "text_sender",
    "sockets",
)

EFFECTS = ("hold", "kill", "unavailable", "unknown")
"""What may happen at a point. A call that is held may be killed when it is released."""

_SESSION = "_cassandra"
"""Where the adapters keep the database session."""

_POSTS_ENDPOINT = "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"


def decorate(services: Any) -> Any:
    """The services with a barrier before and after every method of every port.

    ``HELIOGRAPH_DATABASE_LINK`` and ``HELIOGRAPH_POSTS_LINK`` are ports on this machine: by way of them the
    function reaches the database and ``@connections``, instead of directly.
    """
    folder = Path(os.environ["HELIOGRAPH_BARRIERS"])
    function = os.environ["AWS_LAMBDA_FUNCTION_NAME"].rpartition("-")[2]
    (folder / "ran" / function).touch()
    _reroute()
    watched = _Services(services, _Points(folder, function), function)
    return Switched(watched, _wanted_mutant(folder / "swap"))


def _wanted_mutant(file: Path) -> Callable[[], str]:
    def name() -> str:
        try:
            return file.read_text()
        except FileNotFoundError:
            return ""

    return name


def _reroute() -> None:
    if port := os.environ.get("HELIOGRAPH_DATABASE_LINK"):
        os.environ["CASSANDRA_PORT"] = port
    port, endpoint = os.environ.get("HELIOGRAPH_POSTS_LINK"), os.environ.get(_POSTS_ENDPOINT)
    if port and endpoint:
        parts = urlsplit(endpoint)
        os.environ[_POSTS_ENDPOINT] = urlunsplit(parts._replace(netloc=f"{parts.hostname}:{port}"))


class _Points:
    """What is set for this worker. Looked up at each point: nothing is remembered, nothing missed."""

    def __init__(self, folder: Path, function: str) -> None:
        self._folder = folder
        self._function = function
        self._passed: set[str] = set()
        self._jitter: tuple[str, random.Random] | None = None

    def skew(self) -> int:
        """By how many ms the clock is off."""
        try:
            return int((self._folder / f"{self._function}.skew").read_text())
        except FileNotFoundError:
            return 0

    def unlimited(self) -> list[str]:
        """The accounts for which no rate limit holds."""
        try:
            return (self._folder / "unlimited").read_text().splitlines()
        except FileNotFoundError:
            return []

    def take(self, effect: str, args: tuple[Any, ...]) -> bool:
        """Whether the file was there and means this call; only one call gets it."""
        file = self._folder / effect
        try:
            if file.read_text() not in repr(args):
                return False
            if file.suffix == ".hold":
                file.rename(file.with_suffix(".reached"))  # at every moment one of the two is there
            else:
                file.unlink()
        except FileNotFoundError:
            return False
        return True

    def pause(self, point: str, args: tuple[Any, ...]) -> None:
        """Let happen what is set for a point."""
        if point not in self._passed:
            self._passed.add(point)
            (self._folder / "passed" / point).touch()
        found = os.listdir(self._folder)  # noqa: PTH208, names alone, at every call
        if "jitter" in found:
            self._wait_a_little(point)
        for what in EFFECTS:
            if f"{point}.{what}" in found and self.take(f"{point}.{what}", args):
                self._do(what, point)

    def _do(self, what: str, point: str) -> None:
        if what == "hold":
            self._hold(point)
            return
        if what == "kill":
            os._exit(137)
        from chat.ports.storage import OutcomeUnknown, StorageUnavailable  # noqa: PLC0415, in a worker only

        raise (OutcomeUnknown if what == "unknown" else StorageUnavailable)(f"set at {point}")

    def _hold(self, point: str) -> None:
        reached, release = (self._folder / f"{point}.{what}" for what in ("reached", "release"))
        end = time.monotonic() + HELD_SECONDS
        try:
            while not release.exists():
                if time.monotonic() > end:
                    raise TimeoutError(f"{point} was not released within {HELD_SECONDS} s")
                time.sleep(0.002)
        finally:
            reached.unlink(missing_ok=True)
            release.unlink(missing_ok=True)

    def _wait_a_little(self, point: str) -> None:
        try:
            text = (self._folder / "jitter").read_text()
        except FileNotFoundError:
            return
        what = json.loads(text)
        if self._jitter is None or self._jitter[0] != text:
            self._jitter = text, random.Random(f"{what['seed']}:{self._function}:{os.getpid()}")
        if point.startswith(tuple(what["points"])):
            time.sleep(self._jitter[1].uniform(0, what["milliseconds"]) / 1000)


class _Services:
    def __init__(self, services: Any, points: _Points, function: str) -> None:
        self._services = services
        self._points = points
        self._function = function
        self._ports: dict[str, Any] = {}

    def now(self) -> int:
        """Server time, as far as the clock of this worker is right."""
        return int(self._services.now()) + self._points.skew()

    def __getattr__(self, name: str) -> Any:
        if name in self._ports:
            return self._ports[name]
        value = getattr(self._services, name)
        if name == "verifier":
            return self._ports.setdefault(name, sign_in.either(value))
        if name == "limits":
            value = _Limits(value, self._points)
        if name not in PORTS:
            return value
        session = getattr(value, _SESSION, None)
        if session is not None:
            setattr(value, _SESSION, _Port(f"{self._function}.storage", session, self._points))
        return self._ports.setdefault(name, _Port(f"{self._function}.{name}", value, self._points))


class _Limits:
    """The limits, but for the accounts for which they are lifted."""

    def __init__(self, limits: Any, points: _Points) -> None:
        self._limits = limits
        self._points = points

    def take(self, limiter: Any, subject: str, *args: Any, **named: Any) -> int:
        if any(account in subject for account in self._points.unlimited()):
            return 0
        return int(self._limits.take(limiter, subject, *args, **named))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._limits, name)


class _Port:
    def __init__(self, name: str, port: Any, points: _Points) -> None:
        self._name = name
        self._port = port
        self._points = points

    def __getattr__(self, method: str) -> Any:
        real = getattr(self._port, method)
        point = f"{self._name}.{method}"
        if point.endswith(".limits.rule"):  # reads a constant
            return real

        def call(*args: Any, **kwargs: Any) -> Any:
            self._points.pause(f"{point}.before", args)
            if point.endswith(".sockets.post_all") and args[0]:
                result = self._post_all(point, real, *args)
            else:
                result = real(*args, **kwargs)
            self._points.pause(f"{point}.after", args)
            return result

        return call

    def _post_all(self, point: str, real: Any, *args: Any) -> Any:
        """The posts, with made-up outcomes where a file says so."""
        from chat.ports.sockets import Outcome  # noqa: PLC0415, in a worker only

        for what, outcome in (("gone", Outcome.GONE), ("fail", Outcome.FAILED)):
            if self._points.take(f"{point}.made_{what}", args):
                real(*args)
                return [outcome for _ in args[0]]
            if self._points.take(f"{point}.{what}", args):
                return [outcome for _ in args[0]]
        return real(*args)
