"""The one module that knows every concrete adapter."""

from __future__ import annotations

import importlib
import os
import random
import time
from collections.abc import Callable, Mapping
from functools import cache, cached_property

from chat import observability
from chat.adapters.api_gateway import ConnectionsGateway
from chat.adapters.cassandra.accounts import CassandraCards, CassandraHandles
from chat.adapters.cassandra.chains import CassandraChains
from chat.adapters.cassandra.codes import CassandraCodes, CassandraSpending
from chat.adapters.cassandra.connections import CassandraConnections, CassandraConnectNumbers
from chat.adapters.cassandra.inbox import CassandraInbox
from chat.adapters.cassandra.limits import CassandraLimits
from chat.adapters.cassandra.prekeys import CassandraPrekeys
from chat.adapters.cassandra.proofs import CassandraLinks, CassandraUsedProofs
from chat.adapters.cassandra.session import Cassandra
from chat.adapters.memory_limits import MemoryBuckets
from chat.adapters.meter import Handler, Meter, meter
from chat.domain.limits import CONNECT
from chat.ports.accounts import Cards, Chains, Handles
from chat.ports.codes import Codes, Spending, TextSender
from chat.ports.connections import Connections, ConnectNumbers
from chat.ports.identity import CheckSignature, Links, UsedProofs, Verifier
from chat.ports.inbox import Inbox
from chat.ports.prekeys import Prekeys
from chat.ports.sockets import SocketGateway
from chat.settings import (
    CassandraSettings,
    CodeSettings,
    DiscoverySettings,
    IdentitySettings,
    LimitSettings,
    SocketSettings,
    VerifierSettings,
    meter_file,
)
from chat.usecases.codes import OtpVerifier
from chat.usecases.limits import RateLimits
from chat.usecases.verifiers import Verifiers


class Services:
    """Every adapter of one Lambda environment, each made when it is first used.

    So a function needs only the variables, and pays only for the imports, of what it uses. One Cassandra
    session is shared by all and lives as long as the environment.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    @cached_property
    def _cassandra(self) -> Cassandra:
        return Cassandra.for_settings(CassandraSettings.from_env(self._environ), self._meter)

    @cached_property
    def _meter(self) -> Meter | None:
        return meter(meter_file(self._environ))

    @cached_property
    def cards(self) -> Cards:
        """Account cards."""
        return CassandraCards(self._cassandra)

    @cached_property
    def chains(self) -> Chains:
        """Device chains, but for their newest entries."""
        return CassandraChains(self._cassandra)

    @cached_property
    def handles(self) -> Handles:
        """Handles."""
        return CassandraHandles(self._cassandra)

    @cached_property
    def connections(self) -> Connections:
        """Live sockets."""
        return CassandraConnections(self._cassandra)

    @cached_property
    def connect_numbers(self) -> ConnectNumbers:
        """Connect numbers."""
        limiter = self._limit_settings.instead.get(CONNECT.name, CONNECT)
        return CassandraConnectNumbers(self._cassandra, limiter)

    @cached_property
    def inbox(self) -> Inbox:
        """Undelivered rows."""
        return CassandraInbox(self._cassandra)

    @cached_property
    def used_proofs(self) -> UsedProofs:
        """Nonces of signed requests."""
        return CassandraUsedProofs(self._cassandra)

    @cached_property
    def links(self) -> Links:
        """New devices that wait for their number."""
        return CassandraLinks(self._cassandra)

    @cached_property
    def prekeys(self) -> Prekeys:
        """Public keys that devices left."""
        return CassandraPrekeys(self._cassandra)

    @cached_property
    def limits(self) -> RateLimits:
        """Rate limits. Buckets in memory live as long as the environment."""
        rows = CassandraLimits(self._cassandra)
        return RateLimits(MemoryBuckets(), rows, random.random, self._limit_settings.instead)

    @cached_property
    def _limit_settings(self) -> LimitSettings:
        return LimitSettings.from_env(self._environ)

    @cached_property
    def codes(self) -> Codes:
        """Codes that were sent."""
        return CassandraCodes(self._cassandra)

    @cached_property
    def spending(self) -> Spending:
        """What they cost."""
        return CassandraSpending(self._cassandra)

    @cached_property
    def code_settings(self) -> CodeSettings:
        """Who gets codes, and for how much."""
        return CodeSettings.from_env(self._environ)

    @cached_property
    def text_sender(self) -> TextSender:
        """Who sends them."""
        # Imported here: only `codes` needs the AWS SDK, and only where messages are sent.
        if self.code_settings.sender == "log":
            from chat.adapters.log_sender import LogSender  # noqa: PLC0415

            return LogSender()
        from chat.adapters.sns_sender import SnsSender  # noqa: PLC0415

        return SnsSender(self.code_settings.region, self.code_settings.sender_id)

    @cached_property
    def sockets(self) -> SocketGateway:
        """@connections of API Gateway."""
        return ConnectionsGateway(SocketSettings.from_env(self._environ), self._meter)

    @cached_property
    def identity(self) -> IdentitySettings:
        """What devices sign for, and which web origins may connect."""
        return IdentitySettings.from_env(self._environ)

    @cached_property
    def discovery(self) -> DiscoverySettings:
        """What the discovery document says."""
        return DiscoverySettings.from_env(self._environ)

    @cached_property
    def verification(self) -> VerifierSettings:
        """Who vouches for new accounts."""
        return VerifierSettings.from_env(self._environ)

    @cached_property
    def verifier(self) -> Verifier:
        """The verifiers of this stage."""
        # Imported here: only `register` needs a JWT library.
        names: dict[str, Verifier] = {}
        numbers: dict[str, Verifier] = {}
        if "open" in self.verification.verifiers:
            from chat.adapters.open_verifier import OpenVerifier  # noqa: PLC0415

            names["open"] = OpenVerifier()
        if "oidc" in self.verification.verifiers:
            from chat.adapters.oidc_verifier import OidcVerifier  # noqa: PLC0415

            names["oidc"] = OidcVerifier(self.verification.oidc_issuer, self.verification.oidc_audience)
        if "otp" in self.verification.verifiers:
            numbers["otp"] = OtpVerifier(self.codes, self.now)
        return Verifiers(names, numbers)

    @cached_property
    def check_signature(self) -> CheckSignature:
        """Ed25519."""
        from chat.adapters.ed25519 import check_signature  # noqa: PLC0415, socket routes need none

        return check_signature

    def now(self) -> int:
        """Server time, ms since 1970."""
        return time.time_ns() // 1_000_000


def lambda_handler(name: str, handler: Handler) -> Handler:
    """What Lambda calls for ``handler``: metrics are written behind it, and what it cost, where that counts.

    Where nobody counts them the meter is not even called.
    """
    observed = observability.observed(name, handler)
    counting = meter(meter_file(os.environ))
    return observed if counting is None else counting.watch(observed)


@cache
def services() -> Services:
    """The services of this environment.

    A deployment for tests may name a function that wraps them (barriers, fail-points): the variable
    ``HELIOGRAPH_DECORATE_SERVICES`` as ``module:function``. The template never sets it.
    """
    made = Services(os.environ)
    decorate = os.environ.get("HELIOGRAPH_DECORATE_SERVICES")
    if decorate:
        module, _, name = decorate.partition(":")
        wrap: Callable[[Services], Services] = getattr(importlib.import_module(module), name)
        return wrap(made)
    return made
