"""`seal`: another passphrase, or the keyring instead."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from heliograph.cli.context import current
from heliograph.cli.sealing import from_file, new_passphrase, on_terminal
from heliograph.cli.usage import UsageError


async def seal(how: Literal["passphrase", "keyring"], *, file: Path | None = None) -> None:
    """Change how the profile opens: with another passphrase, or with the keyring of this machine.

    Parameters
    ----------
    how
        What it opens with from now on.
    file
        File whose first line is the new passphrase; else it is asked for.
    """
    from heliograph.store.seal import DESCRIPTIONS, Keyring, Seal  # noqa: PLC0415 - `helio --help` needs no store

    context = current.get()
    if file is not None and how == "keyring":
        raise UsageError("the keyring needs no file", f"helio -p {context.profile} seal keyring")
    async with context.client(connect=False, registered=False) as me:
        new: Seal
        if how == "keyring":
            new = Keyring()
        elif file is not None:
            new = from_file(file)
        elif on_terminal():
            new = new_passphrase(context.profile)
        else:
            again = f"helio -p {context.profile} seal passphrase --file FILE"
            raise UsageError("there is no terminal to ask for a passphrase", again)
        await me.change_seal(new)
        kind = me.sealed_by
        context.show(f"{context.profile} is {DESCRIPTIONS[kind]}", profile=context.profile, sealed_by=kind)
