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
    Raises ChatError BAD_CONVERSATION, DEVICE_REMOVED or ACCOUNT_REPLACED before anything happens.
    """
    receipts.check_conversations(what, device.account)
    read = cards.read(around(device.account, what.senders))
    read[device.account].check(device.device)
    planned = receipts.plan(what, device, read)
    reached = live.post(
        [receipt.posting() for receipt in planned], connections=connections, sockets=sockets, encode=encode
    )
    receipts.settle(what, device, planned, reached, inbox, now)
