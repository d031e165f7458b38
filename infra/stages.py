"""Typed settings of each stage. The command line may name the stage and override a few of them.

``cdk synth -c stage=dev -c oidc_issuer=https://login.example.org -c oidc_audience=heliograph``
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

Verifier = Literal["open", "oidc", "otp"]
World = Literal["local", "cloud"]

# Lets `synth` work without an account at an identity provider. The top-level domain can never resolve
# (RFC 2606), and a template that holds it refuses to be deployed: `infra.application`.
PLACEHOLDER_ISSUER = "https://issuer.invalid"
PLACEHOLDER_AUDIENCE = "heliograph"

_LISTS = {"verifier": "verifiers", "otp_countries": "otp_countries", "allowed_origins": "allowed_origins"}
"""Overrides that are comma lists, and the setting that each is for."""

OVERRIDES = frozenset(
    {
        *_LISTS,
        *("oidc_issuer", "oidc_audience"),
        *("otp_daily_cap_cents", "otp_sender", "otp_sender_id"),
        *("alarms_to", "dashboard", "traces"),
    }
)

_COUNTRY = re.compile(r"![1-9][0-9]{0,6}|[1-9][0-9]{0,6}:[1-9][0-9]{0,3}")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+")
_SENDER_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]{1,11}")


class StageError(ValueError):
    """The settings of a stage contradict a rule; the message says which and how to go on."""


@dataclass(frozen=True, slots=True)
class Throttle:
    """What API Gateway lets through, of all callers together: so many a second, so many at once."""

    per_second: int
    burst: int

    def times(self, factor: int) -> Throttle:
        """The same for a larger stage."""
        return Throttle(factor * self.per_second, factor * self.burst)


RARE_ROUTES: Mapping[str, Throttle] = MappingProxyType(
    {
        "$connect": Throttle(50, 100),
        "$default": Throttle(20, 40),
        "POST /v1/register": Throttle(5, 20),
        "POST /v1/codes": Throttle(5, 20),
        "GET /v1/links/{key}": Throttle(20, 40),
        "POST /v1/devices": Throttle(5, 20),
        "DELETE /v1/devices/{device}": Throttle(5, 20),
        "GET /v1/handles/{handle}": Throttle(20, 40),
    }
)
"""Routes whose flood must not use up what the stage lets through: sockets to open, requests of anybody, and
what costs others. The limits of each device and account stand in ``docs/limits.md``."""


@dataclass(frozen=True, slots=True)
class Stage:
    """All that may differ between two deployments.

    ``world`` decides addresses and the layer of dependencies, nothing else. ``keeps_data``: tables survive
    the removal of their stack, and the stack itself refuses to be deleted. ``throttle`` is that of every
    route without one in ``route_throttles``.

    ``verifiers``: how a handle may be proved; ``otp`` takes phone numbers, the others names. Codes go to
    ``otp_countries`` (``49:9``: numbers that begin with +49, 9 cents a message; ``!1876``: none) for at most
    ``otp_daily_cap_cents`` a day (UTC), by Amazon SNS (``sns``) under ``otp_sender_id`` where phones show
    one, or into the log of the local cloud (``log``).

    ``alarms_to``: the ARN of an SNS topic that hears of alarms; without one they are seen by who looks.
    ``dashboard``: whether there is one, at $3 a month. ``traces``: functions log each hop of a message, about
    600 bytes a message. ``metrics_seconds``: how long a function adds up counts before it writes them; 0:
    after every invocation.
    """

    name: str
    world: World
    verifiers: tuple[Verifier, ...]
    oidc_issuer: str = ""
    oidc_audience: str = ""
    otp_countries: tuple[str, ...] = ()
    otp_daily_cap_cents: int = 0
    otp_sender: Literal["sns", "log"] = "sns"
    otp_sender_id: str = ""
    allowed_origins: tuple[str, ...] = ()
    keeps_data: bool = True
    alarms_to: str = ""
    dashboard: bool = False
    traces: bool = True
    metrics_seconds: int = 10
    throttle: Throttle = Throttle(200, 400)
    route_throttles: Mapping[str, Throttle] = field(default_factory=lambda: RARE_ROUTES, hash=False)

    def __post_init__(self) -> None:
        if not self.verifiers or not set(self.verifiers) <= {"open", "oidc", "otp"}:
            given = ",".join(self.verifiers)
            raise StageError(f"verifier={given!r}: expected a comma list of 'open', 'oidc' and 'otp'")
        if "open" in self.verifiers and not self._is_local:
            raise StageError(
                "verifier=open lets anybody register any handle, so only the stage 'local' may use it, "
                f"not {self.name!r}. Use verifier=oidc with -c oidc_issuer=https://... -c oidc_audience=..., "
                "or verifier=otp with -c otp_countries=... -c otp_daily_cap_cents=..."
            )
        if self.alarms_to and not _TOPIC.fullmatch(self.alarms_to):
            raise StageError(f"alarms_to={self.alarms_to!r}: expected the ARN of an SNS topic")
        if "oidc" in self.verifiers:
            self._check_oidc()
        if "otp" in self.verifiers:
            self._check_otp()

    @property
    def lacks_identity_provider(self) -> bool:
        """Whether the placeholder still stands where the issuer of this deployment belongs."""
        return "oidc" in self.verifiers and self.oidc_issuer == PLACEHOLDER_ISSUER

    @property
    def sends_texts(self) -> bool:
        """Whether text messages leave, and cost money."""
        return "otp" in self.verifiers and self.otp_sender == "sns"

    @property
    def _is_local(self) -> bool:
        return self.name == "local" and self.world == "local"

    def _check_oidc(self) -> None:
        if not (self.oidc_issuer and self.oidc_audience):
            raise StageError("verifier=oidc needs both -c oidc_issuer=https://... and -c oidc_audience=...")
        if self.world == "cloud" and not self.oidc_issuer.startswith("https://"):
            raise StageError(f"oidc_issuer={self.oidc_issuer!r}: an issuer is an https:// URL")

    def _check_otp(self) -> None:
        if not self.otp_countries or self.otp_daily_cap_cents < 1:
            raise StageError(
                "verifier=otp pays for text messages, so it needs both -c otp_countries=49:9,43:10 "
                "(prefix:cents) and -c otp_daily_cap_cents=500"
            )
        for entry in self.otp_countries:
            if not _COUNTRY.fullmatch(entry):
                raise StageError(f"otp_countries has {entry!r}: expected <prefix>:<cents> or !<prefix>")
        if self.otp_sender not in ("sns", "log"):
            raise StageError(f"otp_sender={self.otp_sender!r}: expected 'sns' or 'log'")
        if self.otp_sender == "log" and not self._is_local:
            raise StageError(
                "otp_sender=log shows codes in a log, so only the stage 'local' may use it, "
                f"not {self.name!r}"
            )
        if self.otp_sender_id and not _SENDER_ID.fullmatch(self.otp_sender_id):
            raise StageError(f"otp_sender_id={self.otp_sender_id!r}: expected 1 to 11 letters and digits")


_STAGES: dict[str, Stage] = {
    "local": Stage(
        name="local",
        world="local",
        verifiers=("open", "otp"),
        otp_countries=("1:1", "44:4", "49:9"),
        otp_daily_cap_cents=10_000,
        otp_sender="log",
        keeps_data=False,
        metrics_seconds=0,
    ),
    "dev": Stage(
        name="dev",
        world="cloud",
        verifiers=("oidc",),
        oidc_issuer=PLACEHOLDER_ISSUER,
        oidc_audience=PLACEHOLDER_AUDIENCE,
    ),
    "prod": Stage(
        name="prod",
        world="cloud",
        verifiers=("oidc",),
        oidc_issuer=PLACEHOLDER_ISSUER,
        oidc_audience=PLACEHOLDER_AUDIENCE,
        traces=False,
        throttle=Throttle(2000, 4000),
        route_throttles={route: throttle.times(10) for route, throttle in RARE_ROUTES.items()},
    ),
}

STAGE_NAMES: tuple[str, ...] = tuple(_STAGES)


def stage(name: str, overrides: Mapping[str, str] | None = None) -> Stage:
    """The settings of that stage with ``overrides`` (keys in ``OVERRIDES``) applied.

    Raises ``StageError`` for an unknown stage or override and for settings that break a rule.
    """
    if name not in _STAGES:
        raise StageError(f"stage={name!r}: expected one of {', '.join(STAGE_NAMES)}")
    given = dict(overrides or {})
    if unknown := sorted(set(given) - OVERRIDES):
        raise StageError(f"unknown override {', '.join(unknown)}: expected {', '.join(sorted(OVERRIDES))}")
    if ("oidc_issuer" in given) != ("oidc_audience" in given):
        raise StageError("oidc_issuer and oidc_audience belong together: pass both or none")
    changes: dict[str, object] = {key: value for key, value in given.items() if key not in _LISTS}
    for key in _LISTS.keys() & given.keys():
        items = given[key].split(",")
        changes[_LISTS[key]] = tuple(item.strip() for item in items if item.strip())
    if "otp_daily_cap_cents" in given:
        changes["otp_daily_cap_cents"] = _cents(given["otp_daily_cap_cents"])
    for switch in {"traces", "dashboard"} & given.keys():
        changes[switch] = _is_on(switch, given[switch])
    return replace(_STAGES[name], **changes)  # type: ignore[arg-type]  # checked by __post_init__


def _is_on(setting: str, text: str) -> bool:
    if text not in ("on", "off"):
        raise StageError(f"{setting}={text!r}: expected 'on' or 'off'")
    return text == "on"


def _cents(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise StageError(f"otp_daily_cap_cents={text!r}: expected a whole number of cents")
    return int(text)
