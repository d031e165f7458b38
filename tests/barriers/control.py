"""The test's side: sets files, waits for files."""

from __future__ import annotations

import json
import time
from collections.abc import Collection
from pathlib import Path

from tests.waiting import until


class Barriers:
    """What the workers of a test deployment are to wait for, and how they are to fail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ran = folder / "ran"
        self._passed = folder / "passed"
        for made in (self._ran, self._passed):
            made.mkdir(parents=True, exist_ok=True)

    def hold(self, point: str, only: str = "") -> None:
        """The next call at this point (about ``only``, if given) waits until :meth:`release`."""
        self._set(f"{point}.hold", only)

    def release(self, point: str) -> None:
        """Let the held call go on."""
        (self.folder / f"{point}.release").touch()

    def once(self, point: str, what: str, only: str = "") -> None:
        """Do ``what`` at the next call at this point (about ``only``, if given).

        At a point: ``kill``, ``unavailable``, ``unknown``. For posts, whose point has no side: ``gone``,
        ``fail``, ``made_gone``, ``made_fail``.
        """
        self._set(f"{point}.{what}", only)

    def let_go(self, point: str) -> None:
        """End a hold wherever it stands, and leave no trace: not reached yet, reached, or its worker dead."""
        if self.take_back(point, "hold"):
            return
        reached, release = (self.folder / f"{point}.{what}" for what in ("reached", "release"))
        if not reached.exists():
            return
        release.touch()
        end = time.monotonic() + 0.2
        while reached.exists() and time.monotonic() < end:
            time.sleep(0.005)
        for file in (reached, release):
            file.unlink(missing_ok=True)

    def take_back(self, point: str, what: str) -> bool:
        """Undo :meth:`once` or :meth:`hold`. False if it happened already."""
        try:
            (self.folder / f"{point}.{what}").unlink()
        except FileNotFoundError:
            return False
        return True

    def is_set(self, point: str, what: str) -> bool:
        """Whether an effect still waits for its call."""
        return (self.folder / f"{point}.{what}").exists()

    def jitter(self, milliseconds: int, seed: int, points: Collection[str] = ("",)) -> None:
        """Until :meth:`calm`, every call whose point begins like one of ``points`` waits up to so long."""
        what = {"milliseconds": milliseconds, "seed": seed, "points": sorted(points)}
        self._set("jitter", json.dumps(what))

    def calm(self) -> None:
        """No jitter any more."""
        (self.folder / "jitter").unlink(missing_ok=True)

    def skew(self, function: str, milliseconds: int) -> None:
        """Set the clock of a function's workers off by so much; 0: right again."""
        if milliseconds:
            self._set(f"{function}.skew", str(milliseconds))
        else:
            (self.folder / f"{function}.skew").unlink(missing_ok=True)

    def swap(self, mutant: str) -> None:
        """Let all functions run as this mutant of :mod:`tests.faults.mutants` from now on."""
        self._set("swap", mutant)

    def lift_limits(self, *accounts: str) -> None:
        """From now on no rate limit holds for these accounts, that of connecting apart."""
        self._set("unlimited", "\n".join(accounts))

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
        for file in (*self.folder.iterdir(), *self._ran.iterdir(), *self._passed.iterdir()):
            if file.is_file():
                file.unlink()

    def functions_that_ran(self) -> set[str]:
        """The names of all functions that served anything at all."""
        return {file.name for file in self._ran.iterdir()}

    def points_passed(self) -> set[str]:
        """The names of all points that some worker got to."""
        return {file.name for file in self._passed.iterdir()}

    def _set(self, name: str, content: str) -> None:
        """Files appear with their content, never empty first."""
        made = self.folder / f"{name}.new"
        made.write_text(content)
        made.rename(self.folder / name)
