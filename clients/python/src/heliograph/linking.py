"""Taking a new device in, by the code it shows, and taking one out: changes that a device signs."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from heliograph import signing
from heliograph.errors import (
    BadLinkCode,
    HeliographError,
    NetworkError,
    NotFound,
    RateLimited,
    Unavailable,
)
from heliograph.http import HttpApi, devices_of
from heliograph.ids import AccountId
from heliograph.signing import AuthKey, Identity
from heliograph.store.peers import Peer

CODE = re.compile(r"hl1\.([A-Za-z0-9_-]{43})")
CODE_LIFE_MS = 600_000
"""How long a new device shows one code: then it throws the key away and makes another one."""

ASK_SECONDS = 1.0
TRIES = 3
MOST_LAPSED = 8
"""Lapsed devices that are signed out at a time: more than an account may have."""


def code(key: AuthKey) -> str:
    """Give the code of a new device."""
    return f"hl1.{key.public}"


def parse(text: str) -> str:
    """Give the key in a code.

    Raises:
        BadLinkCode: It is none.
    """
    found = CODE.fullmatch(text.strip())
    if found is None:
        raise BadLinkCode("that is not a link code: it looks like hl1.<43 characters>")
    return found[1]


def check_number(audience: str, account: str, device: int, auth_key: str) -> str:
    """Give the six digits that both devices show after a linking: equal where both speak of the same."""
    said = signing.lines("heliograph-link-check-v1", audience, account, device, auth_key)
    return f"{int.from_bytes(hashlib.sha256(said).digest()[:8]) % 1_000_000:06}"


@dataclass(frozen=True, slots=True)
class LinkOffer:
    """An account that took this new device in. Whoever saw the code first could do that: ask the owner.

    Attributes:
        account: Its id.
        handle: Its handle.
        device: The number that it gave to this device.
        check: Six digits, the same that the device which took it in shows.
    """

    account: AccountId
    handle: str
    device: int
    check: str
    own: Peer = field(repr=False)


async def wait(api: HttpApi, key: AuthKey) -> LinkOffer:
    """Ask until the new device was taken in."""
    while True:
        try:
            answer = await api.linked(key.public)
            break
        except (NotFound, NetworkError, RateLimited, Unavailable) as problem:
            await asyncio.sleep(max(ASK_SECONDS, problem.retry_after or 0))
    account, device = AccountId(answer["account"]), int(answer["device"])
    await api.discover()
    own = await api.own_account(Identity(account, device, "", key))
    return LinkOffer(
        account,
        own["handle"],
        device,
        check_number(api.audience, account, device, key.public),
        Peer(account, own["handle"], int(own["version"]), devices_of(own)),
    )


OwnList = Callable[[], Awaitable[dict[str, Any]]]
"""Reads the own device list, whose chain was verified: what is signed comes behind its head."""


async def take_in(api: HttpApi, me: Identity, own_list: OwnList, auth_key: str, name: str) -> str:
    """Sign a new device in, and give its check number; a change of the list that came first is signed after.

    Repeating it after a lost answer finds the device on the list and changes nothing.

    Raises:
        IdentityUntrusted: The server shows another chain of the own account than the pinned one.
    """
    for attempt in range(TRIES):
        now = await own_list()
        try:
            if auth_key not in devices_of(now).values():
                now = await api.link(me, now, auth_key, name)
            break
        except HeliographError as problem:
            if problem.code != "DEVICE_LIST_CHANGED" or attempt == TRIES - 1:
                raise
    device = next(number for number, key in devices_of(now).items() if key == auth_key)
    return check_number(api.audience, me.account, device, auth_key)


async def take_out(api: HttpApi, me: Identity, own_list: OwnList, device: int) -> None:
    """Sign a device out; a change of the list that came first is signed after. Safe to repeat.

    Raises:
        IdentityUntrusted: As `take_in`.
    """
    for attempt in range(TRIES):
        try:
            await api.remove_device(me, await own_list(), device)
            break
        except HeliographError as problem:
            if problem.code != "DEVICE_LIST_CHANGED" or attempt == TRIES - 1:
                raise


async def take_out_lapsed(api: HttpApi, me: Identity, own_list: OwnList) -> None:
    """Sign out what the server took off the own list by itself, as long unseen.

    Until somebody signs, others see these devices in the chain. What fails is left for another time, or for
    the own device that came first. A live device is not signed out, whatever the server says of it.

    Raises:
        IdentityUntrusted: As `take_in`.
    """
    for _ in range(MOST_LAPSED):
        own = await own_list()
        lapsed = [device for device in own["lapsed"] if device not in devices_of(own)]
        if not lapsed:
            return
        try:
            await api.remove_device(me, own, lapsed[0])
        except HeliographError:
            return
