"""Makes the virtual environment and installs what the requirements pin, if they changed since the last time.

Runs before anything is installed, so it needs the standard library alone: ``python3 local/packages.py``.
An interrupted run is done again the next time: the mark is written last.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
MARK = VENV / "installed-requirements"

#: What decides whether an installation is up to date.
REQUIREMENTS = (
    "requirements.txt",
    "constraints.txt",
    "layers/deps/requirements.txt",
    "pyproject.toml",
    "clients/python/pyproject.toml",
)
OLDEST = (3, 11)


def requirements_hash(root: Path = ROOT) -> str:
    """A hash of all files that say what to install."""
    digest = hashlib.sha256()
    for name in REQUIREMENTS:
        path = root / name
        digest.update(name.encode() + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()


def main() -> int:
    """Install if something changed; prints one line and returns the exit status."""
    if sys.version_info < OLDEST:
        found = ".".join(map(str, sys.version_info[:3]))
        print(
            f"Python 3.11 or newer is needed, this is {found}.\n  fix    PYTHON=python3.13 make up",
            file=sys.stderr,
        )
        return 1
    began, wanted = time.monotonic(), requirements_hash()
    if MARK.is_file() and MARK.read_text() == wanted:
        _say(began, "unchanged")
        return 0
    log = ROOT / ".local" / "packages.log"
    log.parent.mkdir(exist_ok=True)
    print("  packages    ..  installing, about a minute the first time", file=sys.stderr, flush=True)
    commands = [] if (VENV / "bin" / "python").exists() else [[sys.executable, "-m", "venv", str(VENV)]]
    commands.append([str(VENV / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"])
    commands[-1] += ["-r", str(ROOT / "requirements.txt")]
    with log.open("w") as output:
        for command in commands:
            if subprocess.run(command, cwd=ROOT, stdout=output, stderr=output, check=False).returncode:
                tail = "\n".join(f"  | {line}" for line in log.read_text().splitlines()[-20:])
                print(f"The packages could not be installed.\n{tail}\n  log    {log}", file=sys.stderr)
                return 1
    MARK.write_text(wanted)
    _say(began, "installed")
    return 0


def _say(began: float, detail: str) -> None:
    print(f"  packages    ok  {time.monotonic() - began:>5.1f} s  {detail}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
