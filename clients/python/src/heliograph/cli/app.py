"""The commands and the options before them; each command is imported when it is used."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from heliograph.cli import refusals
from heliograph.cli.context import Context, current
from heliograph.cli.sealing import SealOptions
from heliograph.cli.usage import UsageError

app = App(
    name="helio",
    help="Chat from a terminal. `helio -p alice chat bob` is the place to start.",
    version=lambda: "helio 0.1.0",
    help_format="plaintext",
    suppress_keyboard_interrupt=False,
    result_action="return_value",
)
app.meta.suppress_keyboard_interrupt = False
app.meta.result_action = "return_value"

COMMANDS = {
    "register": ("account:register", "Make an account with a handle."),
    "send": ("send:send", "Send one message; - reads it from stdin."),
    "listen": ("listen:listen", "Print messages as they come."),
    "chat": ("chat:chat", "Talk with somebody, line by line."),
    "reply": ("actions:reply", "Answer a message."),
    "edit": ("actions:edit", "Change the text of a message of yours."),
    "react": ("actions:react", "Put an emoji under a message."),
    "delete": ("actions:delete", "Delete a message of yours, for everyone."),
    "timer": ("actions:timer", "Let later messages disappear, or show after what time they do."),
    "history": ("history:history", "Show the newest messages with somebody; works offline."),
    "devices": ("devices:app", "List the devices of the account, or remove one."),
    "link": ("devices:link", "Add a device to the account."),
    "verify": ("identity:verify", "Compare safety numbers with somebody."),
    "unverify": ("identity:unverify", "Take back that somebody is verified."),
    "trust": ("identity:trust", "Accept an identity that changed."),
    "block": ("account:block", "Block an account."),
    "unblock": ("account:unblock", "End a block."),
    "blocked": ("account:blocked", "List the accounts you blocked."),
    "accept": ("account:accept", "Let an account see what arrives and is read."),
    "status": ("account:status", "Show the profile; works offline."),
    "seal": ("seal:seal", "Change the passphrase of the profile, or use the keyring."),
    "doctor": ("doctor:doctor", "Check store, server, clock and connection."),
}
for _name, (_path, _help) in COMMANDS.items():
    app.command(f"heliograph.cli.{_path}", name=_name, help=_help)


@app.meta.default
def launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    profile: Annotated[str, Parameter(name=["--profile", "-p"], env_var="HELIOGRAPH_PROFILE")] = "default",
    server: Annotated[str | None, Parameter(name="--server")] = None,
    json: Annotated[bool, Parameter(name="--json", negative=())] = False,
    passphrase_file: Annotated[Path | None, Parameter(name="--passphrase-file")] = None,
    keyring: Annotated[bool, Parameter(name="--keyring", negative=())] = False,
    plain_store: Annotated[bool, Parameter(name="--plain-store", negative=())] = False,
) -> object:
    """Run a command.

    Parameters
    ----------
    profile
        Which account of this machine; each is one file in the directory of profiles.
    server
        Base URL of the server; a registered profile remembers its own.
    json
        One JSON object per line on stdout, text for people on stderr.
    passphrase_file
        File whose first line is the profile's passphrase; else $HELIO_PASSPHRASE, else it is asked for.
    keyring
        A new profile opens with a key in the keyring of this machine.
    plain_store
        A new profile is not sealed: whoever reads its file has its keys and messages.
    """
    seal = SealOptions(passphrase_file, keyring, plain_store)
    current.set(Context(profile, server, json, seal))
    return app(tokens, exit_on_error=False, print_error=False)


def run(arguments: list[str]) -> int:
    """Run a command line.

    Exit codes: 0 ok, 1 unexpected, 2 usage, 3 network, 4 identity changed, 5 rate limited,
    6 partly sent, 130 interrupted.
    """
    try:
        result = app.meta(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as problem:
        return refusals.usage(str(problem))
    except UsageError as problem:
        return refusals.usage(str(problem), problem.next_command)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as problem:  # noqa: BLE001 - the last place to turn it into an exit code
        return refusals.report(problem, current.get(None))
    return result if isinstance(result, int) else 0
