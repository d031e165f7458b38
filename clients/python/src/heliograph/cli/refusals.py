"""Exit codes, and the next command to type after each refusal."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heliograph.cli.context import Context

OK, UNEXPECTED, USAGE, NETWORK, IDENTITY_CHANGED, RATE_LIMITED, PARTLY_SENT = range(7)

_CODES = {
    "NETWORK": NETWORK,
    "TIMEOUT": NETWORK,
    "UNAVAILABLE": NETWORK,
    "HANDSHAKE_REFUSED": NETWORK,
    "RATE_LIMITED": RATE_LIMITED,
    "CODES_EXHAUSTED": RATE_LIMITED,
    "IDENTITY_CHANGED": IDENTITY_CHANGED,
    "SAFETY_NUMBER_DIFFERS": IDENTITY_CHANGED,
    "NO_SERVER": USAGE,
    "BAD_LINK_CODE": USAGE,
    "BAD_CONTENT": USAGE,
    "BAD_HANDLE": USAGE,
    "SEAL_REQUIRED": USAGE,
    "WRONG_SEAL": USAGE,
}

_NEXT = {
    "NETWORK": "{helio} doctor",
    "TIMEOUT": "{helio} doctor",
    "UNAVAILABLE": "{helio} doctor",
    "HANDSHAKE_REFUSED": "{helio} doctor",
    "INTERNAL": "{helio} doctor",
    "RATE_LIMITED": "wait, then repeat the command",
    "NO_SERVER": "make up   (or: {helio} --server https://... register {profile})",
    "NOT_REGISTERED": "{helio} register {profile}",
    "ALREADY_REGISTERED": "helio -p ANOTHER register HANDLE",
    "BAD_CONTENT": "{helio} history HANDLE --ids   (yours can be edited and deleted, all take one emoji)",
    "BAD_HANDLE": "{helio} register {profile}",
    "HANDLE_TAKEN": "{helio} register ANOTHER_HANDLE",
    "VERIFICATION_FAILED": "{helio} register HANDLE --token ID_TOKEN   (a phone number: without --code)",
    "NUMBER_NOT_SERVED": "{helio} register HANDLE   (a number of a country that is served, or a name)",
    "CODES_EXHAUSTED": "wait until tomorrow, then repeat the command",
    "NOT_FOUND": "check the spelling of the handle; {helio} status lists whom you know",
    "IDENTITY_CHANGED": "ask them, then: {helio} verify HANDLE   (without asking: {helio} trust HANDLE)",
    "SAFETY_NUMBER_DIFFERS": "{helio} verify HANDLE   (shows your digits: write no secrets before they fit)",
    "RECIPIENT_BLOCKED": "{helio} unblock HANDLE",
    "STORE_LOCKED": "end the other helio, or use another profile: helio -p NAME ...",
    "STORE_UNREADABLE": "move the file away, then {helio} register HANDLE",
    "SEAL_REQUIRED": "repeat the command with --keyring, --passphrase-file FILE or --plain-store before it",
    "WRONG_PASSPHRASE": "repeat the command with the profile's passphrase; nobody can restore a lost one",
    "WRONG_SEAL": "repeat the command without --keyring, --passphrase-file or --plain-store",
    "KEYRING_UNAVAILABLE": "unlock the keyring   (a new profile may have --passphrase-file FILE instead)",
    "TOO_LARGE": "split the text: a message holds 8 KiB",
    "DEVICE_REMOVED": "helio -p NEW_PROFILE link   (this device was removed from its account)",
    "UNAUTHENTICATED": "helio -p NEW_PROFILE register HANDLE   (the server does not know this account)",
    "ACCOUNT_REPLACED": "helio -p NEW_PROFILE register HANDLE   (if it was not you who registered it again)",
    "REPLACED": "end the other program that uses this profile's identity",
    "INSECURE_SERVER": "use the https URL of the server",
    "BAD_LINK_CODE": "helio -p NEW_PROFILE link   (on the new device, shows the code)",
    "LINK_TAKEN": "answer `n` on the new device, then: helio -p NEW_PROFILE link",
    "LINKED_ELSEWHERE": "{helio} link   (shows a new code; let nobody else see it)",
    "DEVICE_LIMIT": "{helio} devices remove NUMBER",
    "LAST_DEVICE": "link another device first: helio -p NEW_PROFILE link",
    "VERSION_UNSUPPORTED": "pip install --upgrade heliograph",
}


def usage(problem: str, next_command: str = "helio --help") -> int:
    """Report a command line that cannot be understood."""
    sys.stderr.write(f"helio: {problem.strip()}\nNext: {next_command}\n")
    return USAGE


def report(problem: BaseException, context: Context | None) -> int:
    """Report what went wrong with the next command to type; give the exit code."""
    from heliograph.errors import HeliographError  # noqa: PLC0415 - only after a failure

    code = "TIMEOUT" if isinstance(problem, TimeoutError) else getattr(problem, "code", None)
    if not isinstance(problem, HeliographError | TimeoutError) or code is None:
        traceback.print_exception(problem)
        sys.stderr.write("helio: unexpected. Next: helio doctor\n")
        return UNEXPECTED
    text = str(problem) or "it took too long"
    sys.stderr.write(f"helio: {text} [{code}]\nNext: {next_command(code, context)}\n")
    return exit_code(code)


def exit_code(code: str) -> int:
    """Give the exit code for an error code."""
    return _CODES.get(code, UNEXPECTED)


def next_command(code: str, context: Context | None) -> str:
    """Give what to type after a refusal with this code."""
    profile = context.profile if context is not None else "default"
    helio = "helio" if profile == "default" else f"helio -p {profile}"
    return _NEXT.get(code, "{helio} doctor").format(helio=helio, profile=profile)
