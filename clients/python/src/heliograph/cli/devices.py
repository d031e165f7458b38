"""`devices` and `link`."""

from __future__ import annotations

import time

from cyclopts import App

from heliograph.cli.context import current

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


async def link(code: str | None = None, *, name: str = "terminal", timeout: float = 600) -> None:  # noqa: ASYNC109 - a command line option
    """Add a device to an account. On the new one without CODE, then on an old one with it.

    Parameters
    ----------
    code
        What the new device shows. Without it this profile is the new device: it shows its code and waits.
    name
        What you call the new device; only your own devices see it.
    timeout
        Seconds that the new device waits.
    """
    context = current.get()
    if code is not None:
        async with context.client() as me:
            await me.link(code, name=name)
            context.show("the new device is in", linked=True)
        return
    async with context.client(registered=False) as me:
        shown = await me.start_linking()
        context.show(shown, code=shown)
        context.note(f"Type on a device of your account:  helio -p PROFILE link {shown}\nWaiting ...")
        await me.linked(timeout)
        context.show(f"linked: {me.handle}, device {me.device}", handle=me.handle, device=me.device)
