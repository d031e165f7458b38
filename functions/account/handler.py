"""``/v1/account``, ``/v1/accounts`` and ``/v1/handles``: oneself and others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chat.bootstrap import Services
from chat.domain.devices import DeviceList
from chat.domain.ids import Address
from chat.entrypoint import Request, https_routes
from chat.usecases import account
from chat.wire import bodies


def own_account(_request: Request, _by: Address, own: DeviceList, app: Services) -> Mapping[str, Any]:
    """Handle, devices and blocked accounts."""
    return bodies.own_account_answer(own, account.blocked(own.account, cards=app.cards))


def by_id(request: Request, _by: Address, _own: DeviceList, app: Services) -> Mapping[str, Any]:
    """Another account's public part."""
    wanted = bodies.parse_account(request.parameters["account"])
    return bodies.account_answer(account.look_up_account(wanted, cards=app.cards))


def device_chain(request: Request, _by: Address, _own: DeviceList, app: Services) -> Mapping[str, Any]:
    """The same with every change of its devices; a retired account's, too."""
    wanted = bodies.parse_account(request.parameters["account"])
    return bodies.chain_answer(*account.device_chain(wanted, cards=app.cards, chains=app.chains))


def by_handle(request: Request, _by: Address, _own: DeviceList, app: Services) -> Mapping[str, Any]:
    """The account of exactly this handle."""
    handle = bodies.parse_handle(request.parameters["handle"])
    return bodies.account_answer(account.look_up_handle(handle, handles=app.handles, cards=app.cards))


def block(request: Request, by: Address, _own: DeviceList, app: Services) -> Mapping[str, Any]:
    """Drop what the account sends from now on."""
    peer = bodies.parse_account(request.parameters["account"])
    return bodies.relation_answer(peer, account.block(by.account, peer, cards=app.cards))


def unblock(request: Request, by: Address, _own: DeviceList, app: Services) -> Mapping[str, Any]:
    """Take its messages again."""
    peer = bodies.parse_account(request.parameters["account"])
    return bodies.relation_answer(peer, account.unblock(by.account, peer, cards=app.cards, now=app.now()))


def accept(request: Request, by: Address, _own: DeviceList, app: Services) -> Mapping[str, Any]:
    """Give it receipts without having written to it."""
    peer = bodies.parse_account(request.parameters["account"])
    return bodies.relation_answer(peer, account.accept(by.account, peer, cards=app.cards))


handler = https_routes(
    "account",
    device={
        "GET /v1/account": own_account,
        "GET /v1/accounts/{account}": by_id,
        "GET /v1/accounts/{account}/chain": device_chain,
        "GET /v1/handles/{handle}": by_handle,
        "PUT /v1/account/blocks/{account}": block,
        "DELETE /v1/account/blocks/{account}": unblock,
        "PUT /v1/account/accepted/{account}": accept,
    },
)
