"""How a profile is sealed: what the command line says, else the environment, else what somebody types."""

from __future__ import annotations

import getpass
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from heliograph.cli.usage import UsageError

if TYPE_CHECKING:
    from heliograph.errors import SealRequired
    from heliograph.store.seal import Seal

_KNOWN = "before the command: --passphrase-file FILE   (or set HELIO_PASSPHRASE)"
_NEW = "before the command: --keyring, --passphrase-file FILE, or --plain-store (not sealed)"


@dataclass(frozen=True, slots=True)
class SealOptions:
    """The options before the command that are about the seal; at most one is given."""

    passphrase_file: Path | None = None
    keyring: bool = False
    plain: bool = False

    def said(self) -> Seal | None:
        """Give the seal that the command line names; another one than the profile's is refused."""
        from heliograph.store.seal import Keyring, Plain  # noqa: PLC0415 - `helio --help` needs no store

        if (self.passphrase_file is not None) + self.keyring + self.plain > 1:
            raise UsageError("a profile is sealed in one way", _NEW)
        if self.passphrase_file is not None:
            return from_file(self.passphrase_file)
        if self.keyring:
            return Keyring()
        return Plain() if self.plain else None

    def wanted(self, needed: SealRequired, profile: str) -> Seal:
        """Give the passphrase of a profile, or the seal of a new one.

        Raises:
            UsageError: Neither the environment nor a terminal tells.
        """
        from heliograph.store import os_keyring  # noqa: PLC0415
        from heliograph.store.seal import Keyring, Passphrase, Plain  # noqa: PLC0415

        if text := os.environ.get("HELIO_PASSPHRASE"):
            return Passphrase(text)
        new = needed.kind is None
        if new and os.environ.get("HELIO_PLAIN_STORE") == "1":
            return Plain()
        if not on_terminal():
            what = "is new: say how it is sealed" if new else "wants its passphrase"
            raise UsageError(f"profile {profile} {what}", _NEW if new else _KNOWN)
        if not new:
            return Passphrase(_typed(f"Passphrase of {profile}: "))
        if os_keyring.is_there():
            sys.stderr.write(f"{profile} opens with a key in the keyring of this machine.\n")
            return Keyring()
        return new_passphrase(profile)


def on_terminal() -> bool:
    """Tell whether somebody is there to type; the texts to send may come through a pipe all the same."""
    return sys.stdin.isatty() or sys.stderr.isatty()


def new_passphrase(profile: str) -> Seal:
    """Have a passphrase typed twice."""
    from heliograph.store.seal import Passphrase  # noqa: PLC0415

    sys.stderr.write(
        f"{profile} gets a passphrase for its keys and messages. Nobody can restore a lost one.\n"
    )
    first = _typed("New passphrase: ")
    if first != _typed("The same again: "):
        raise UsageError("the two differ", "repeat the command")
    return Passphrase(first)


def from_file(path: Path) -> Seal:
    """Give the passphrase in the first line of a file."""
    from heliograph.store.seal import Passphrase  # noqa: PLC0415

    try:
        text = path.read_text().partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as problem:
        why = type(problem).__name__  # its text may quote the file
        raise UsageError(f"no passphrase could be read from {path}: {why}", "helio --help") from None
    if not text:
        raise UsageError(f"the first line of {path} is empty", "helio --help")
    return Passphrase(text)


def _typed(question: str) -> str:
    """Have a passphrase typed without showing it; Ctrl-C ends the command as anywhere else."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # else asyncio waits for the line
    try:
        text = getpass.getpass(question)
    except EOFError:
        text = ""
    finally:
        signal.signal(signal.SIGINT, before)
    if not text:
        raise UsageError("no passphrase was typed", "repeat the command")
    return text
