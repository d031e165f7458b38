"""Remove what a device has stored from its inbox, and tell the senders."""

from __future__ import annotations

from chat.domain.ids import Address
from chat.ports.accounts import Cards, around
from chat.ports.connections import Connections
from chat.ports.inbox import Inbox
from chat.ports.sockets import SocketGateway
from chat.usecases import live, receipts
from chat.usecases.receipts import Ack


def acknowledge(
    device: Address,
    what: Ack,
    *,
    cards: Cards,
    connections: Connections,
    inbox: Inbox,
    sockets: SocketGateway,
    encode: live.EncodeEvents,
    now: int,
) -> None:
    """Post the receipts, store those that reached no sending device, then remove the rows.

    Only rows of ``device`` itself can go: the rest of their key comes from the authorizer. A repeat after
    a crash anywhere gives the same receipts and deletes nothing more.
    Cards are read at half the price, since nothing is lost by a stale one: a receipt that is not given is
    made up for by ``unreceipted``, and one that is given a moment after a block was on its way before.
    Raises ChatError BAD_CONVERSATION, DEVICE_REMOVED or ACCOUNT_REPLACED before anything happens.
    """
    receipts.check_conversations(what, device.account)
    wanted = around(device.account, what.senders)
    read = cards.read(wanted, stale=True)
    own = read[device.account].devices
    if own is None or own.find(device.device) is None:
        read = cards.read(wanted)  # a copy of a moment ago may lack a device that was just added
    read[device.account].check(device.device)
    planned = receipts.plan(what, device, read)
    reached = live.post(
        [receipt.posting() for receipt in planned], connections=connections, sockets=sockets, encode=encode
    )
    receipts.settle(what, device, planned, reached, inbox, now)
