"""One line a step on standard error: its name, how it ended, how long it took, a detail.

On a terminal the line is replaced in place while the step runs. In a pipe, or where ``CI`` is set, lines are
only appended, and a step that takes longer says so now and then. ``NO_COLOR`` is respected.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

#: A step that takes longer than this shows progress, in seconds.
PATIENCE = 2.0


class Step:
    """A running step. Set ``detail`` to what its line shall say, ``progress`` to what it is doing."""

    def __init__(self, name: str) -> None:
        self.name, self.detail, self.progress = name, "", ""
        self.started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time since it started."""
        return time.monotonic() - self.started


class Steps:
    """Prints steps to a stream."""

    def __init__(self, stream: TextIO | None = None, environ: Mapping[str, str] = os.environ) -> None:
        self._stream = stream or sys.stderr
        self._in_place = self._stream.isatty() and not environ.get("CI")
        self._colour = self._stream.isatty() and "NO_COLOR" not in environ

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Run a step; an exception makes its line say ``failed`` and goes on."""
        step, done = Step(name), threading.Event()
        ticker = threading.Thread(target=self._tick, args=(step, done), daemon=True)
        ticker.start()
        try:
            yield step
        except BaseException:
            done.set()
            ticker.join()
            self._end(step, self._paint("failed", 31))
            raise
        done.set()
        ticker.join()
        self._end(step, self._paint("ok", 32))

    def say(self, text: str) -> None:
        """Print a line that belongs to no step."""
        print(text, file=self._stream, flush=True)

    def _end(self, step: Step, state: str) -> None:
        start = "\r\x1b[2K" if self._in_place else ""
        self.say(f"{start}  {step.name:<10}  {state}  {step.seconds:>5.1f} s  {step.detail}".rstrip())

    def _tick(self, step: Step, done: threading.Event) -> None:
        every = 0.2 if self._in_place else PATIENCE
        while not done.wait(every):
            if self._in_place:
                self._stream.write(
                    f"\r\x1b[2K  {step.name:<10}  ..  {step.seconds:>5.1f} s  {step.progress}"[:100]
                )
                self._stream.flush()
            else:
                self.say(f"  {step.name:<10}  ..  {step.seconds:>5.1f} s  {step.progress}".rstrip())
                every = min(every * 2, 15.0)

    def _paint(self, text: str, code: int) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text
