"""The one error that the local cloud shows a person: what is wrong, why, and what to type."""

from __future__ import annotations

from pathlib import Path


class StepError(RuntimeError):
    """A step cannot go on. ``fix`` is a command or one sentence; ``log`` the file whose end explains more."""

    def __init__(self, what: str, *, cause: str = "", fix: str = "", log: Path | None = None) -> None:
        super().__init__(what)
        self.what, self.cause, self.fix, self.log = what, cause, fix, log

    def __str__(self) -> str:
        lines = [self.what]
        if self.cause:
            lines.append(f"  cause  {self.cause}")
        if self.fix:
            lines.append(f"  fix    {self.fix}")
        if self.log is not None:
            lines += [f"  | {line}" for line in last_lines(self.log, 20)]
            lines.append(f"  log    {self.log}")
        return "\n".join(lines)


def last_lines(path: Path, count: int) -> list[str]:
    """The last ``count`` lines of a log, or none where it does not exist."""
    if not path.is_file():
        return []
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64 * 1024))
        return file.read().decode(errors="replace").splitlines()[-count:]
