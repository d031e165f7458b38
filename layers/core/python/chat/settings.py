"""What the environment tells a function, read once at cold start.

Every variable is set by the template, but for ``CASSANDRA_*`` and ``HELIOGRAPH_METER``: without
them storage is Amazon Keyspaces of the function's own region; and for ``HELIOGRAPH_LIMITS``, which only a
local cloud may have. Nothing else has a default but silence (:class:`LogSettings`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Self

from chat.domain.limits import LIMITERS, Limiter
from chat.domain.numbers import Prices


def meter_file(environ: Mapping[str, str]) -> str:
    """``HELIOGRAPH_METER``: the file that gets a line for every billable operation; empty means off."""
    return environ.get("HELIOGRAPH_METER", "")


class SettingMissing(Exception):
    """A variable is absent, empty or not one of its allowed values; the message names it."""


@dataclass(frozen=True, slots=True)
class CassandraSettings:
    """Where storage is and how to sign in.

    ``auth`` is ``sigv4`` (TLS and IAM: Amazon Keyspaces) or ``none`` (a plain local Cassandra).
    """

    contact_points: tuple[str, ...]
    port: int
    auth: Literal["sigv4", "none"]
    region: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read ``AWS_REGION``, ``CASSANDRA_CONTACT_POINTS`` (comma list), ``_PORT``, ``_AUTH``.

        Default: the Keyspaces endpoint of the region, port 9142, SigV4.
        """
        region = _required(environ, "AWS_REGION")
        points = _list(environ, "CASSANDRA_CONTACT_POINTS")
        auth = environ.get("CASSANDRA_AUTH", "sigv4")
        if auth not in ("sigv4", "none"):
            raise SettingMissing(f"CASSANDRA_AUTH is {auth!r}, not 'sigv4' or 'none'")
        return cls(
            contact_points=points or (keyspaces_host(region),),
            port=_number(environ, "CASSANDRA_PORT", 9142),
            auth="none" if auth == "none" else "sigv4",
            region=region,
        )


@dataclass(frozen=True, slots=True)
class SocketSettings:
    """Where frames for clients are posted: the callback address of the WebSocket stage."""

    endpoint: str
    region: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read ``AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI`` and ``AWS_REGION``."""
        return cls(
            endpoint=_required(environ, "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"),
            region=_required(environ, "AWS_REGION"),
        )


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """What a device signs for, and which web origins may connect (none listed: no browser check)."""

    audience: str
    allowed_origins: tuple[str, ...]

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read ``AUDIENCE`` (host:port) and ``ALLOWED_ORIGINS`` (comma list, may be empty or absent)."""
        return cls(audience=_required(environ, "AUDIENCE"), allowed_origins=_list(environ, "ALLOWED_ORIGINS"))


@dataclass(frozen=True, slots=True)
class VerifierSettings:
    """Who vouches for a handle, in the order in which clients are told.

    ``open`` (nobody; local stage only), ``oidc`` (an issuer's token), ``otp`` (a code by text message).
    """

    verifiers: tuple[str, ...]
    oidc_issuer: str = ""
    oidc_audience: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read ``VERIFIER`` (comma list); with ``oidc`` in it also ``OIDC_ISSUER`` and ``OIDC_AUDIENCE``."""
        text = _required(environ, "VERIFIER")
        verifiers = _list(environ, "VERIFIER")
        if not set(verifiers) <= {"open", "oidc", "otp"}:
            raise SettingMissing(f"VERIFIER is {text!r}, not a list of 'open', 'oidc' and 'otp'")
        if "oidc" not in verifiers:
            return cls(verifiers)
        return cls(verifiers, _required(environ, "OIDC_ISSUER"), _required(environ, "OIDC_AUDIENCE"))


@dataclass(frozen=True, slots=True)
class CodeSettings:
    """To which numbers codes are sent, what that may cost (cents a day), and who sends them.

    ``sender`` is ``sns`` or, on the local stage alone, ``log``. ``sender_id``: see the adapter.
    """

    prices: Prices
    daily_cap: int
    sender: Literal["sns", "log"]
    sender_id: str
    region: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read ``OTP_COUNTRIES``, ``OTP_DAILY_CAP_CENTS``, ``OTP_SENDER``, ``OTP_SENDER_ID``, ``STAGE``."""
        _required(environ, "OTP_COUNTRIES")
        try:
            prices = Prices.parse(_list(environ, "OTP_COUNTRIES"))
        except ValueError as problem:
            raise SettingMissing(f"OTP_COUNTRIES: {problem}") from None
        _required(environ, "OTP_DAILY_CAP_CENTS")
        sender = _required(environ, "OTP_SENDER")
        if sender not in ("sns", "log"):
            raise SettingMissing(f"OTP_SENDER is {sender!r}, not 'sns' or 'log'")
        if sender == "log" and environ.get("STAGE") != "local":
            raise SettingMissing("OTP_SENDER=log shows codes in a log: it is for the stage 'local' alone")
        return cls(
            prices=prices,
            daily_cap=_number(environ, "OTP_DAILY_CAP_CENTS", 0),
            sender="log" if sender == "log" else "sns",
            sender_id=environ.get("OTP_SENDER_ID", ""),
            region=_required(environ, "AWS_REGION"),
        )


@dataclass(frozen=True, slots=True)
class DiscoverySettings:
    """What the public discovery document says about this stage."""

    socket_url: str
    stage: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read ``SOCKET_URL`` and ``STAGE``."""
        return cls(socket_url=_required(environ, "SOCKET_URL"), stage=_required(environ, "STAGE"))


@dataclass(frozen=True, slots=True)
class LogSettings:
    """What is logged besides what goes wrong.

    ``key`` makes pseudonyms of ids. ``traces``: whether each hop of a message is a line. ``metrics_seconds``:
    how long counts are added up before they are written; 0: after every invocation, None: no metrics.
    """

    stage: str
    key: str
    traces: bool
    metrics_seconds: int | None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read ``STAGE``, ``LOG_KEY``, ``TRACES`` (``on`` or ``off``), ``METRICS_SECONDS``; without them, as
        outside a Lambda function, neither traces nor metrics.
        """
        traces = environ.get("TRACES", "off")
        if traces not in ("on", "off"):
            raise SettingMissing(f"TRACES is {traces!r}, not 'on' or 'off'")
        return cls(
            stage=environ.get("STAGE", ""),
            key=_required(environ, "LOG_KEY") if traces == "on" else environ.get("LOG_KEY", ""),
            traces=traces == "on",
            metrics_seconds=_number(environ, "METRICS_SECONDS", 0) if "METRICS_SECONDS" in environ else None,
        )


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """Other numbers than those of ``chat.domain.limits``, by name of the limiter: for benches and tests."""

    instead: Mapping[str, Limiter]

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Read ``HELIOGRAPH_LIMITS``, a comma list whose later items win: ``wide,send=50/5``.

        ``wide`` is a thousand times every number, ``<name>=<burst>/<refill ms>`` sets one limiter.
        Refused where ``STAGE`` is not ``local``.
        """
        items = _list(environ, "HELIOGRAPH_LIMITS")
        if items and environ.get("STAGE") != "local":
            raise SettingMissing("HELIOGRAPH_LIMITS is for the stage 'local' alone")
        known = {limiter.name: limiter for limiter in LIMITERS}
        instead: dict[str, Limiter] = {}
        for item in items:
            found = re.fullmatch(r"(\w+)=([1-9][0-9]{0,8})/([1-9][0-9]{0,8})", item)
            if item == "wide":
                instead |= {name: _wide(limiter) for name, limiter in known.items()}
            elif found and found[1] in known:
                burst, refill_ms = int(found[2]), int(found[3])
                instead[found[1]] = replace(known[found[1]], burst=burst, refill_ms=refill_ms)
            else:
                raise SettingMissing(
                    f"HELIOGRAPH_LIMITS has {item!r}, not 'wide' or <limiter>=<burst>/<refill ms>"
                )
        return cls(instead)


def _wide(limiter: Limiter) -> Limiter:
    return replace(limiter, burst=1_000 * limiter.burst, refill_ms=max(1, limiter.refill_ms // 1_000))


def keyspaces_host(region: str) -> str:
    """The public endpoint of Amazon Keyspaces in a region; also the name on its certificates."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"cassandra.{region}.{suffix}"


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise SettingMissing(f"the environment variable {name} is not set")
    return value


def _list(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in environ.get(name, "").split(",") if item.strip())


def _number(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name, "") or str(default)
    if not value.isdecimal():
        raise SettingMissing(f"{name} is {value!r}, not a number")
    return int(value)
