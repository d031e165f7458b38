"""`devices` and `link`."""

from __future__ import annotations

import asyncio
import io
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from cyclopts import App

from heliograph.cli.context import current
from heliograph.errors import LinkedElsewhere

if TYPE_CHECKING:
    from heliograph.client import Client

app = App(name="devices", help="The devices of your account.", result_action="return_value")


@app.default
@app.command(name="list")
async def list_devices() -> None:
    """List the devices of your account."""
    context = current.get()
    async with context.client(connect=False) as me:
        for device in await me.devices():
            mark = "  (this one)" if device.this else ""
            seen = f"seen {_day(device.seen_at)}" if device.seen_at else "never seen"
            context.show(
                f"{device.device:>3}  {device.name:<20}  since {_day(device.added_at)}  {seen}{mark}", device
            )


def _day(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(milliseconds / 1000))


@app.command(name="remove")
async def remove(number: int) -> None:
    """Remove a device: its connection ends within seconds.

    Parameters
    ----------
    number
        As `helio devices` lists it.
    """
    context = current.get()
    async with context.client(connect=False) as me:
        await me.remove_device(number)
        context.show(f"device {number} is removed", device=number, removed=True)


async def link(
    code: str | None = None,
    *,
    name: str = "terminal",
    account: str | None = None,
    timeout: float = 600,  # noqa: ASYNC109 - a command line option
) -> None:
    """Add a device to an account. On the new one without CODE, then on an old one with it.

    The new device shows its code as text, and in a terminal as a picture too. When it was taken in it shows
    by whom and asks: somebody else who saw the code may have been first. Both show the same six digits.

    Parameters
    ----------
    code
        What the new device shows; `-` reads it from stdin, as a program that reads the picture writes it.
        Without it this profile is the new device: it shows its code and waits.
    name
        What you call the new device; only your own devices see it.
    account
        On the new device: your handle. Another account is refused, and nothing is asked.
    timeout
        Seconds that the new device waits.
    """
    context = current.get()
    if code is not None:
        async with context.client() as me:
            check = await me.link(sys.stdin.readline() if code == "-" else code, name=name)
            context.show(f"the new device is in; it must show {_spaced(check)}", linked=True, check=check)
        return
    async with context.client(registered=False) as me:
        shown = await me.start_linking()
        context.show(shown, code=shown)
        if sys.stderr.isatty():
            context.note(picture(shown))
        context.note(f"Type on a device of your account:  helio -p PROFILE link {shown}\nWaiting ...")
        offer = await me.link_offer(timeout)
        said = f"{offer.handle}, device {offer.device}, {_spaced(offer.check)}"
        if account is not None and offer.handle != account:
            await _refuse(me, f"{offer.handle} took this device in, not {account}")
        if account is None and sys.stdin.isatty():
            context.note(f"Linked by {said}. The other device shows the same digits.")
            if not await yes("Is that your account? [y/N] "):
                await _refuse(me, f"{offer.handle} took this device in, and that is not you")
        await me.accept_link(offer)
        context.show(f"linked: {said}", handle=me.handle, device=me.device, check=offer.check)


def picture(code: str) -> str:
    """Give a code as a QR code of half blocks, for a dark terminal or a light one."""
    import segno  # noqa: PLC0415 - only where a picture is drawn

    drawn = io.StringIO()
    segno.make(code, micro=False, error="l").terminal(drawn, compact=True)
    return drawn.getvalue().rstrip("\n")


async def _refuse(me: Client, why: str) -> NoReturn:
    await me.refuse_link()
    raise LinkedElsewhere(f"{why}: show a new code")


async def yes(question: str) -> bool:
    """Ask on stderr and read the answer from stdin."""
    sys.stderr.write(question)
    sys.stderr.flush()
    answer = await asyncio.to_thread(sys.stdin.readline)
    return answer.strip().lower() in ("y", "yes")


def _spaced(check: str) -> str:
    return f"{check[:3]} {check[3:]}"
