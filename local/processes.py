"""Children that never outlive their parent, whatever ends it: ``kill -9`` included."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def start_child(
    command: Sequence[str],
    *,
    log: Path,
    environ: Mapping[str, str],
    cwd: Path,
    at_parents_death: signal.Signals,
) -> subprocess.Popen[bytes]:
    """Start a child with a pipe for standard input and both outputs appended to ``log``.

    Linux sends it ``at_parents_death`` when the *thread* that started it ends, so call this from the main
    thread. Elsewhere a keeper process watches the pipe and kills the child with it.
    """
    if sys.platform != "linux":
        command = [sys.executable, "-m", "local.processes", *command]
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=dict(environ),
            cwd=cwd,
            preexec_fn=_die_with_parent(at_parents_death) if sys.platform == "linux" else None,  # noqa: PLW1509
        )


def _die_with_parent(number: signal.Signals) -> Callable[[], None]:
    libc, parent = ctypes.CDLL(None), os.getpid()

    def arm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return arm


def keep(command: Sequence[str]) -> int:
    """Run ``command`` until it ends or standard input does, then kill its group: for systems without a death
    signal.
    """
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.killpg(child.pid, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    return child.wait()


if __name__ == "__main__":
    sys.exit(keep(sys.argv[1:]))
