"""Taking a new device in: the code it shows, and both sides of the exchange."""

from __future__ import annotations

import asyncio
import re

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
ASK_SECONDS = 1.0
TRIES = 3


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


async def wait(api: HttpApi, key: AuthKey) -> tuple[AccountId, int, str, Peer]:
    """Ask until the new device was taken in; give account, device, handle and the account's device list."""
    while True:
        try:
            answer = await api.linked(key.public)
            break
        except (NotFound, NetworkError, RateLimited, Unavailable) as problem:
            await asyncio.sleep(max(ASK_SECONDS, problem.retry_after or 0))
    account, device = AccountId(answer["account"]), int(answer["device"])
    await api.discover()
    own = await api.own_account(Identity(account, device, "", key))
    return account, device, own["handle"], Peer(account, own["handle"], int(own["version"]), devices_of(own))


async def take_in(api: HttpApi, me: Identity, auth_key: str, name: str) -> AccountId:
    """Sign a new device in; a change of the list that came first is read and signed again.

    Repeating it after a lost answer finds the device on the list and changes nothing.
    """
    for attempt in range(TRIES):
        now = await api.devices(me)
        if auth_key in devices_of(now).values():
            break
        try:
            await api.link(me, auth_key, name, int(now["version"]) + 1)
            break
        except HeliographError as problem:
            if problem.code != "DEVICE_LIST_CHANGED" or attempt == TRIES - 1:
                raise
    return me.account
