"""Settings come from the environment, and an absent variable is named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import pytest
from chat.domain.limits import LIMITERS, SEND, Limiter
from chat.settings import (
    CassandraSettings,
    CodeSettings,
    DiscoverySettings,
    IdentitySettings,
    LimitSettings,
    SettingMissing,
    SocketSettings,
    VerifierSettings,
)

REGION = {"AWS_REGION": "eu-central-1"}
OTP = {
    "STAGE": "dev",
    "AWS_REGION": "eu-central-1",
    "OTP_COUNTRIES": "49:9,1:1,!1876",
    "OTP_DAILY_CAP_CENTS": "500",
    "OTP_SENDER": "sns",
}
OIDC = {"VERIFIER": "oidc", "OIDC_ISSUER": "https://id.example", "OIDC_AUDIENCE": "heliograph"}


class FromEnv(Protocol):
    def from_env(self, environ: Mapping[str, str]) -> object: ...


def test_storage_is_keyspaces_of_the_region_by_default() -> None:
    """The template sets nothing for storage: the function's own region is enough."""
    settings = CassandraSettings.from_env(REGION)
    assert settings.contact_points == ("cassandra.eu-central-1.amazonaws.com",)
    assert (settings.port, settings.auth) == (9142, "sigv4")


def test_storage_in_china_has_its_own_suffix() -> None:
    """The endpoint follows the partition of the region."""
    settings = CassandraSettings.from_env({"AWS_REGION": "cn-north-1"})
    assert settings.contact_points == ("cassandra.cn-north-1.amazonaws.com.cn",)


def test_the_local_cloud_names_its_own_storage() -> None:
    """Three variables of the emulator's environment lead to a plain Cassandra."""
    local = {"CASSANDRA_CONTACT_POINTS": "127.0.0.1, ::1", "CASSANDRA_PORT": "9042", "CASSANDRA_AUTH": "none"}
    settings = CassandraSettings.from_env(REGION | local)
    assert settings.contact_points == ("127.0.0.1", "::1")
    assert (settings.port, settings.auth) == (9042, "none")


def test_lists_and_open_stages() -> None:
    """Origins may be empty; an open stage needs no issuer, an oidc stage needs both."""
    assert IdentitySettings.from_env({"AUDIENCE": "a:443", "ALLOWED_ORIGINS": ""}).allowed_origins == ()
    origins = IdentitySettings.from_env({"AUDIENCE": "a:443", "ALLOWED_ORIGINS": "https://a, https://b"})
    assert origins.allowed_origins == ("https://a", "https://b")
    assert VerifierSettings.from_env({"VERIFIER": "open"}).oidc_issuer == ""
    assert VerifierSettings.from_env(OIDC).oidc_issuer == "https://id.example"


@pytest.mark.parametrize(
    ("settings", "environ", "name"),
    [
        (CassandraSettings, {}, "AWS_REGION"),
        (CassandraSettings, REGION | {"CASSANDRA_PORT": "cql"}, "CASSANDRA_PORT"),
        (CassandraSettings, REGION | {"CASSANDRA_AUTH": "password"}, "CASSANDRA_AUTH"),
        (SocketSettings, REGION, "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"),
        (SocketSettings, {"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": "http://a/v1"}, "AWS_REGION"),
        (IdentitySettings, {}, "AUDIENCE"),
        (VerifierSettings, {}, "VERIFIER"),
        (VerifierSettings, {"VERIFIER": "open,sms"}, "VERIFIER"),
        (VerifierSettings, OIDC | {"VERIFIER": "otp,oidc", "OIDC_ISSUER": ""}, "OIDC_ISSUER"),
        (CodeSettings, {}, "OTP_COUNTRIES"),
        (CodeSettings, OTP | {"OTP_COUNTRIES": "49"}, "OTP_COUNTRIES"),
        (CodeSettings, OTP | {"OTP_COUNTRIES": "49:0"}, "OTP_COUNTRIES"),
        (CodeSettings, OTP | {"OTP_COUNTRIES": "+49:9"}, "OTP_COUNTRIES"),
        (CodeSettings, OTP | {"OTP_DAILY_CAP_CENTS": ""}, "OTP_DAILY_CAP_CENTS"),
        (CodeSettings, OTP | {"OTP_DAILY_CAP_CENTS": "-5"}, "OTP_DAILY_CAP_CENTS"),
        (CodeSettings, OTP | {"OTP_SENDER": "pigeon"}, "OTP_SENDER"),
        (VerifierSettings, OIDC | {"OIDC_ISSUER": ""}, "OIDC_ISSUER"),
        (VerifierSettings, {"VERIFIER": "oidc", "OIDC_ISSUER": "https://a"}, "OIDC_AUDIENCE"),
        (DiscoverySettings, {"STAGE": "dev"}, "SOCKET_URL"),
        (DiscoverySettings, {"SOCKET_URL": "wss://a/v1"}, "STAGE"),
    ],
)
def test_names_the_variable_that_is_wrong(settings: FromEnv, environ: dict[str, str], name: str) -> None:
    """An absent, empty or impossible value stops the cold start with the variable's name."""
    with pytest.raises(SettingMissing, match=name):
        settings.from_env(environ)


@pytest.mark.parametrize("stage", ["dev", "prod", ""])
def test_codes_stand_in_no_log_but_the_local_one(stage: str) -> None:
    """The functions of any other stage refuse to start, whoever set the variable."""
    assert CodeSettings.from_env(OTP | {"OTP_SENDER": "log", "STAGE": "local"}).sender == "log"
    with pytest.raises(SettingMissing, match="OTP_SENDER=log"):
        CodeSettings.from_env(OTP | {"OTP_SENDER": "log", "STAGE": stage})


def test_several_verifiers() -> None:
    """In the order in which clients are told of them."""
    assert VerifierSettings.from_env(OIDC | {"VERIFIER": "oidc,otp"}).verifiers == ("oidc", "otp")


def test_limits_are_those_of_the_table() -> None:
    """Without the variable no limiter has other numbers."""
    assert LimitSettings.from_env({"STAGE": "dev"}).instead == {}


def test_a_local_cloud_may_have_other_limits() -> None:
    """Wide ones for all, then some by name: later items win."""
    given = {"STAGE": "local", "HELIOGRAPH_LIMITS": "wide, send=50/5"}

    instead = LimitSettings.from_env(given).instead

    assert set(instead) == {limiter.name for limiter in LIMITERS}
    assert instead["send"] == Limiter("send", 50, 5, SEND.per, SEND.kept, SEND.fails, SEND.routes)
    assert all(instead[one.name].burst == 1_000 * one.burst for one in LIMITERS if one is not SEND)


@pytest.mark.parametrize("stage", ["dev", "prod", ""])
def test_nobody_lifts_limits_in_the_cloud(stage: str) -> None:
    """The functions of any other stage refuse to start."""
    with pytest.raises(SettingMissing, match="HELIOGRAPH_LIMITS"):
        LimitSettings.from_env({"STAGE": stage, "HELIOGRAPH_LIMITS": "wide"})


@pytest.mark.parametrize("text", ["wider", "send=0/5", "send=5", "sent=5/5", "send=5/-1", "send=1e3/5"])
def test_a_limit_that_is_none(text: str) -> None:
    """Is named, not ignored."""
    with pytest.raises(SettingMissing, match="HELIOGRAPH_LIMITS has"):
        LimitSettings.from_env({"STAGE": "local", "HELIOGRAPH_LIMITS": text})
