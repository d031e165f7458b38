"""Every route: which function answers it, who may call it, and what that function may touch.

Read this table first. The template is built from it, and the tests compare it with everything else
that has to agree: ``functions/``, the use cases, the schemas, the two API documents and the rights in
the synthesized template. This module imports nothing of AWS, so anything may read it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Verb = Literal["select", "modify"]
Verbs = tuple[Verb, ...]

READ: Verbs = ("select",)
WRITE: Verbs = ("modify",)
# A conditional statement reads the row that it changes, so Cassandra and Keyspaces want both rights for it.
CHANGE: Verbs = ("select", "modify")

Auth = Literal["public", "device"]
"""``public``: anybody. ``device``: a request signed with a device's key, or a socket opened with one."""

Setting = Literal["AUDIENCE", "SOCKET_URL", "VERIFIER", "ALLOWED_ORIGINS", "OTP_COUNTRIES"]
"""Environment of some functions only. ``VERIFIER`` brings the issuer's settings where the stage has one,
``OTP_COUNTRIES`` all that sending codes needs, where the stage sends any.

All functions get ``STAGE``, ``LOG_KEY``, ``TRACES`` and ``METRICS_SECONDS``; those that post or close also
get ``AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI``.
"""

SOCKET_STAGE = "v1"
"""Stage of the WebSocket API, the last part of its URL: the version of the protocol."""

AUTHORIZER = "authorize"
"""The function API Gateway asks before it opens a socket. Its answer is the identity of all later frames."""


@dataclass(frozen=True, slots=True)
class SocketRoute:
    """One route of the WebSocket API. ``answers``: what the handler returns goes back to the client."""

    key: str
    answers: bool = False
    auth: Auth = "device"


@dataclass(frozen=True, slots=True)
class HttpsRoute:
    """One route of the HTTP API; ``auth`` is checked inside the handler, where the body can be read."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    auth: Auth


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function, ``functions/<name>/handler.py``, and everything it may touch.

    ``posts`` lets it send frames to sockets, ``closes`` lets it close them, ``texts`` lets it send text
    messages to phones, where the stage sends any. ``memory_mb`` also buys the
    processor share: 512 MB is where a cold start (TLS handshake, imports) stays near a second.
    """

    name: str
    routes: tuple[SocketRoute, ...] | tuple[HttpsRoute, ...]
    tables: Mapping[str, Verbs] = field(default_factory=lambda: MappingProxyType({}))
    posts: bool = False
    closes: bool = False
    texts: bool = False
    needs: tuple[Setting, ...] = ()
    memory_mb: int = 512


SOCKET_FUNCTIONS: tuple[Function, ...] = (
    Function(
        AUTHORIZER,
        routes=(),
        tables={"account_card": READ, "connects_by_device": CHANGE},
        needs=("AUDIENCE", "ALLOWED_ORIGINS"),
    ),
    Function(
        "connect",
        routes=(SocketRoute("$connect"),),
        tables={"account_card": READ, "connections_by_account": WRITE},
    ),
    Function(
        "disconnect",
        routes=(SocketRoute("$disconnect"),),
        tables={"connections_by_account": WRITE},
    ),
    # Every function that takes frames may close a socket that hammers.
    Function(
        "default", routes=(SocketRoute("$default", answers=True),), posts=True, closes=True, memory_mb=256
    ),
    # Any frame may carry acks: send and sync hold the rights of ack too.
    Function(
        "send",
        routes=(SocketRoute("send", answers=True),),
        tables={
            "account_card": CHANGE,
            "connections_by_account": CHANGE,
            "inbox_by_account": WRITE,
            "rate_limits": CHANGE,
        },
        posts=True,
        closes=True,
    ),
    Function(
        "ack",
        routes=(SocketRoute("ack"),),
        tables={
            "account_card": READ,
            "connections_by_account": CHANGE,
            "inbox_by_account": WRITE,
            "rate_limits": CHANGE,
        },
        posts=True,
        closes=True,
    ),
    Function(
        "sync",
        routes=(SocketRoute("sync", answers=True),),
        tables={
            "account_card": CHANGE,
            "connects_by_device": READ,
            "connections_by_account": CHANGE,
            "inbox_by_account": CHANGE,
            "prekeys_by_device": READ,
            "rate_limits": CHANGE,
        },
        posts=True,
        closes=True,
    ),
)

HTTPS_FUNCTIONS: tuple[Function, ...] = (
    Function(
        "discovery",
        routes=(HttpsRoute("GET", "/.well-known/heliograph", "public"),),
        needs=("SOCKET_URL", "VERIFIER"),
        memory_mb=256,
    ),
    Function(
        "register",
        routes=(HttpsRoute("POST", "/v1/register", "public"),),
        tables={
            "accounts_by_handle": CHANGE,
            "codes_by_claim": CHANGE,
            "account_card": CHANGE,
            "connects_by_device": CHANGE,
            "connections_by_account": CHANGE,
            "rate_limits": CHANGE,
        },
        posts=True,
        closes=True,
        needs=("AUDIENCE", "VERIFIER"),
    ),
    # Apart from register, so that what costs money has a role, a throttle and a log of its own.
    Function(
        "codes",
        routes=(HttpsRoute("POST", "/v1/codes", "public"),),
        tables={"codes_by_claim": CHANGE, "spending_by_day": CHANGE, "rate_limits": CHANGE},
        texts=True,
        needs=("VERIFIER", "OTP_COUNTRIES"),
    ),
    Function(
        "devices",
        routes=(
            HttpsRoute("GET", "/v1/links/{key}", "public"),
            HttpsRoute("GET", "/v1/devices", "device"),
            HttpsRoute("POST", "/v1/devices", "device"),
            HttpsRoute("DELETE", "/v1/devices/{device}", "device"),
        ),
        tables={
            "account_card": CHANGE,
            "chain_by_account": CHANGE,
            "connects_by_device": CHANGE,
            "connections_by_account": CHANGE,
            "links_by_key": CHANGE,
            "prekeys_by_device": CHANGE,
            "rate_limits": CHANGE,
            "used_proofs": CHANGE,
        },
        posts=True,
        closes=True,
        needs=("AUDIENCE",),
    ),
    Function(
        "keys",
        routes=(
            HttpsRoute("GET", "/v1/keys", "device"),
            HttpsRoute("PUT", "/v1/keys", "device"),
            HttpsRoute("POST", "/v1/keys/claim", "device"),
        ),
        tables={
            "account_card": READ,
            "connections_by_account": CHANGE,
            "prekeys_by_device": CHANGE,
            "rate_limits": CHANGE,
            "used_proofs": CHANGE,
        },
        posts=True,
        needs=("AUDIENCE",),
    ),
    Function(
        "account",
        routes=(
            HttpsRoute("GET", "/v1/account", "device"),
            HttpsRoute("GET", "/v1/accounts/{account}", "device"),
            HttpsRoute("GET", "/v1/accounts/{account}/chain", "device"),
            HttpsRoute("GET", "/v1/handles/{handle}", "device"),
            HttpsRoute("PUT", "/v1/account/blocks/{account}", "device"),
            HttpsRoute("DELETE", "/v1/account/blocks/{account}", "device"),
            HttpsRoute("PUT", "/v1/account/accepted/{account}", "device"),
        ),
        tables={
            "account_card": CHANGE,
            "accounts_by_handle": READ,
            "chain_by_account": READ,
            "rate_limits": CHANGE,
            "used_proofs": CHANGE,
        },
        needs=("AUDIENCE",),
    ),
)

FUNCTIONS: tuple[Function, ...] = SOCKET_FUNCTIONS + HTTPS_FUNCTIONS
