"""Where profiles live on this machine, for the command line and the proof."""

from __future__ import annotations

import os
import re
from pathlib import Path

PROFILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Home:
    """A directory with one store a profile, and the base URL of a local cloud where there is one.

    `$HELIOGRAPH_HOME`, else `$XDG_DATA_HOME/heliograph`, else `~/.local/share/heliograph`.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or _default()

    def store(self, profile: str) -> Path:
        """Give the file of a profile; makes the directory, for its owner only.

        Raises:
            ValueError: The name cannot be a file name.
        """
        if not PROFILE.fullmatch(profile):
            raise ValueError(f"a profile's name is letters, digits, . _ - : {profile!r} is none")
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.path / f"{profile}.db"

    def profiles(self) -> list[str]:
        """List the profiles."""
        return sorted(path.stem for path in self.path.glob("*.db"))

    def server(self) -> str | None:
        """Give the server for profiles without one: `$HELIOGRAPH_SERVER`, else what `make up` wrote here."""
        if named := os.environ.get("HELIOGRAPH_SERVER"):
            return named
        written = self.path / "server"
        return written.read_text().strip() or None if written.exists() else None

    def remember_server(self, base_url: str) -> None:
        """Write the server for profiles without one."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.path / "server").write_text(base_url + "\n")


def _default() -> Path:
    if named := os.environ.get("HELIOGRAPH_HOME"):
        return Path(named)
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "heliograph"
