"""`verify` and `trust`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from heliograph.cli.context import current
from heliograph.cli.devices import picture, yes

if TYPE_CHECKING:
    from heliograph.client import Client
    from heliograph.ids import AccountId


async def verify(
    name: str,
    *,
    scan: Annotated[str | None, Parameter(allow_leading_hyphen=True)] = None,
    same: Annotated[bool, Parameter(name="--yes", negative=())] = False,
) -> None:
    """Compare safety numbers with somebody: who sees the same digits has nobody in between.

    Shows the digits and, in a terminal, a QR code of them; then asks whether the other side has the same.
    They stay the same for both accounts' life, on all their devices.

    Parameters
    ----------
    name
        Handle of the other.
    scan
        What the QR code on their screen holds; `-` reads it from stdin. Compares it instead of asking.
    same
        You have compared the digits already.
    """
    context = current.get()
    async with context.client() as me:
        conversation = await me.conversation(name)
        number = await me.safety_number(conversation.peer)
        if conversation.changed:
            context.note(f"The identity of {conversation.handle} changed. The number is that of the new one.")
        if scan is None:
            shown = {"digits": number.digits, "qr": number.qr, "verified": conversation.verified}
            context.show(_in_rows(number.digits), **shown)
            if sys.stderr.isatty():
                context.note(picture(number.qr))
            if not same:
                if not sys.stdin.isatty():
                    return
                if not await yes(f"Does {conversation.handle} see the same digits? [y/N] "):
                    context.note("Not verified: write nothing that others must not read.")
                    return
        said = number.qr if scan is None else sys.stdin.readline() if scan == "-" else scan
        await me.verify(conversation.peer, said)
        context.show(f"{conversation.handle} is verified", account=conversation.peer, verified=True)


async def unverify(name: str) -> None:
    """Take back that somebody is verified."""
    context = current.get()
    async with context.client(connect=False) as me:
        conversation = await me.conversation(name)
        await me.unverify(conversation.peer)
        context.show(f"{conversation.handle} is not verified", account=conversation.peer, verified=False)


async def trust(name: str) -> None:
    """Accept somebody's identity as it is now, after it changed. Ask them first: `helio verify` shows how.

    Parameters
    ----------
    name
        Handle of the other; your own where your own device list changed.
    """
    context = current.get()
    async with context.client() as me:
        account = await _account(me, name)
        await me.trust(account)
        context.show(f"{name} is trusted as it is now", account=account, trusted=True)


async def _account(me: Client, name: str) -> AccountId:
    return me.account if name in (me.handle, me.account) else (await me.conversation(name)).peer


def _in_rows(digits: str) -> str:
    groups = digits.split(" ")
    return "\n".join(" ".join(groups[start : start + 4]) for start in range(0, len(groups), 4))
