"""Devices that go: by their owner's wish, unseen for a month, or all with an account that is retired.

Always the list first, then the sockets: whoever connects meanwhile writes its connection and reads the list
again, so one of the two sees the other, and no socket slips through.
"""

from __future__ import annotations

from collections.abc import Callable

from chat.domain.devices import FIRST_DEVICE, DeviceList
from chat.domain.events import DeviceListChanged, Reason
from chat.domain.ids import DAY, AccountId, Address, DeviceId
from chat.errors import unavailable
from chat.ports.accounts import Cards
from chat.ports.connections import Connections, ConnectNumbers
from chat.ports.sockets import SocketGateway
from chat.usecases import live

TOLD = 100
"""Related accounts whose live devices hear of a changed list; others learn by their next send or lookup."""

UNSEEN = 30 * DAY
"""How long a linked device may stay away before it is removed (ms)."""

_TRIES = 5


def empty_list(account: AccountId, handle: str, *, cards: Cards) -> DeviceList:
    """Retire an account: its list without any device, as it stands afterwards. Safe to repeat.

    Whoever changes the list at the same time loses, or is read again. An account that a crash left without a
    list gets an empty one: so the registration that was to make it finds itself retired.
    Raises ChatError(UNAVAILABLE) where others change the list all the time.
    """
    for _ in range(_TRIES):
        own = cards.devices(account)
        if own is None:
            own = DeviceList(account, handle, 1, FIRST_DEVICE + 1, ())
            if cards.create(own):
                return own
        elif not own.devices:
            return own
        else:
            after = own.without(*(device.device for device in own.devices))
            if cards.replace(after):
                return after
    raise unavailable()


def remove_unseen(
    own: DeviceList,
    by: DeviceId,
    *,
    cards: Cards,
    connect_numbers: ConnectNumbers,
    connections: Connections,
    sockets: SocketGateway,
    encode: live.EncodeEvents,
    now: int,
) -> DeviceList:
    """Take off the linked devices that did not connect for ``UNSEEN``; the list as it is then.

    Never the device ``by`` that asks, nor the first one, which nobody linked; nothing is read where no other
    was linked that long ago. If another change comes first nothing happens: there is another day. A device
    that connects at the same moment was either seen, or finds itself removed like any other.
    Raises ChatError(UNAVAILABLE) where a socket would not close: the device is off the list all the same.
    """
    linked = [
        Address(own.account, device.device)
        for device in own.devices
        if device.linked_by and device.device != by and device.added_at < now - UNSEEN
    ]
    gone = {device.device for device, at in connect_numbers.seen(linked).items() if at < now - UNSEEN}
    after = own.without(*gone)
    if not gone or not cards.replace(after):
        return own
    end_sessions(
        after,
        "DEVICE_REMOVED",
        lambda device: device in gone,
        cards=cards,
        connections=connections,
        sockets=sockets,
        encode=encode,
    )
    return after


def end_sessions(
    own: DeviceList,
    reason: Reason,
    is_gone: Callable[[DeviceId], bool],
    *,
    cards: Cards,
    connections: Connections,
    sockets: SocketGateway,
    encode: live.EncodeEvents,
) -> None:
    """Close the sockets of the devices that are gone, then tell of the new list. Safe to repeat.

    Raises ChatError(UNAVAILABLE) where a socket would not close: a repeat finds it.
    """
    closed = [
        live.close(socket, reason, connections=connections, sockets=sockets, encode=encode)
        for socket in connections.of_account(own.account)
        if is_gone(socket.device)
    ]
    tell(own, cards=cards, connections=connections, sockets=sockets, encode=encode)
    if not all(closed):
        raise unavailable()


def tell(
    own: DeviceList,
    *,
    cards: Cards,
    connections: Connections,
    sockets: SocketGateway,
    encode: live.EncodeEvents,
) -> None:
    """Tell the live devices of the account, and of up to ``TOLD`` that it accepted, of its new list."""
    changed = DeviceListChanged(own.account, own.version)
    told = dict.fromkeys((own.account, *cards.friends(own.account, TOLD)))
    postings = [live.Posting(account, changed) for account in told]
    live.post(postings, connections=connections, sockets=sockets, encode=encode)
