"""Typed settings of each stage. The command line may name the stage and override a few of them.

``cdk synth -c stage=dev -c oidc_issuer=https://login.example.org -c oidc_audience=heliograph``
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

Verifier = Literal["open", "oidc"]
World = Literal["local", "cloud"]

# Lets `synth` work without an account at an identity provider. The top-level domain can never resolve
# (RFC 2606), and a template that holds it refuses to be deployed: `infra.application`.
PLACEHOLDER_ISSUER = "https://issuer.invalid"
PLACEHOLDER_AUDIENCE = "heliograph"

OVERRIDES = frozenset({"verifier", "oidc_issuer", "oidc_audience", "allowed_origins"})


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
    """

    name: str
    world: World
    verifier: Verifier
    oidc_issuer: str = ""
    oidc_audience: str = ""
    allowed_origins: tuple[str, ...] = ()
    keeps_data: bool = True
    log_days: Literal[7, 14, 90] = 14
    log_level: Literal["DEBUG", "INFO", "WARNING"] = "INFO"
    throttle: Throttle = Throttle(200, 400)
    route_throttles: Mapping[str, Throttle] = field(default_factory=lambda: RARE_ROUTES, hash=False)

    def __post_init__(self) -> None:
        if self.verifier not in ("open", "oidc"):
            raise StageError(f"verifier={self.verifier!r}: expected 'open' or 'oidc'")
        if self.verifier == "open" and (self.name != "local" or self.world != "local"):
            raise StageError(
                "verifier=open lets anybody register any handle, so only the stage 'local' may use it, "
                f"not {self.name!r}. Use verifier=oidc with -c oidc_issuer=https://... -c oidc_audience=..."
            )
        if self.verifier == "oidc":
            if not (self.oidc_issuer and self.oidc_audience):
                raise StageError(
                    "verifier=oidc needs both -c oidc_issuer=https://... and -c oidc_audience=..."
                )
            if self.world == "cloud" and not self.oidc_issuer.startswith("https://"):
                raise StageError(f"oidc_issuer={self.oidc_issuer!r}: an issuer is an https:// URL")

    @property
    def lacks_identity_provider(self) -> bool:
        """Whether the placeholder still stands where the issuer of this deployment belongs."""
        return self.verifier == "oidc" and self.oidc_issuer == PLACEHOLDER_ISSUER


_STAGES: dict[str, Stage] = {
    "local": Stage(name="local", world="local", verifier="open", keeps_data=False, log_days=7),
    "dev": Stage(
        name="dev",
        world="cloud",
        verifier="oidc",
        oidc_issuer=PLACEHOLDER_ISSUER,
        oidc_audience=PLACEHOLDER_AUDIENCE,
    ),
    "prod": Stage(
        name="prod",
        world="cloud",
        verifier="oidc",
        oidc_issuer=PLACEHOLDER_ISSUER,
        oidc_audience=PLACEHOLDER_AUDIENCE,
        log_days=90,
        log_level="WARNING",
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
    changes: dict[str, object] = {key: value for key, value in given.items() if key != "allowed_origins"}
    if "allowed_origins" in given:
        origins = given["allowed_origins"].split(",")
        changes["allowed_origins"] = tuple(origin.strip() for origin in origins if origin.strip())
    return replace(_STAGES[name], **changes)  # type: ignore[arg-type]  # checked by __post_init__
