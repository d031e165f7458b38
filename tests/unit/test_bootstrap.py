"""Wiring: what a function loads, what it must be told, and who may wrap it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from chat import bootstrap
from chat.adapters.log_sender import LogSender
from chat.adapters.oidc_verifier import OidcVerifier
from chat.adapters.open_verifier import OpenVerifier
from chat.adapters.sns_sender import SnsSender
from chat.bootstrap import Services
from chat.settings import SettingMissing
from chat.usecases.codes import OtpVerifier
from chat.usecases.verifiers import Verifiers

from infra.routes import FUNCTIONS, Function

ROOT = Path(__file__).parents[2]
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "AUDIENCE": {"AUDIENCE": "127.0.0.1:4566"},
    "ALLOWED_ORIGINS": {"ALLOWED_ORIGINS": "https://a.example, https://b.example"},
    "SOCKET_URL": {"SOCKET_URL": "wss://example.test/v1"},
    "OTP_COUNTRIES": {
        "OTP_COUNTRIES": "49:9,!1876",
        "OTP_DAILY_CAP_CENTS": "500",
        "OTP_SENDER": "sns",
    },
    "VERIFIER": {"VERIFIER": "oidc", "OIDC_ISSUER": "https://issuer.example", "OIDC_AUDIENCE": "heliograph"},
}
COMMON = {
    "STAGE": "dev",
    "LOG_KEY": "0f0e",
    "TRACES": "on",
    "METRICS_SECONDS": "10",
    "AWS_REGION": "eu-central-1",
}
POSTING = {
    "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": "https://abc.execute-api.eu-central-1.amazonaws.com/v1"
}
PORTS = {
    "account_card": "cards",
    "accounts_by_handle": "handles",
    "connections_by_account": "connections",
    "connects_by_device": "connect_numbers",
    "inbox_by_account": "inbox",
    "used_proofs": "used_proofs",
    "links_by_key": "links",
    "prekeys_by_device": "prekeys",
    "chain_by_account": "chains",
    "rate_limits": "limits",
    "codes_by_claim": "codes",
    "spending_by_day": "spending",
}

_WHAT_IS_LOADED = """
import importlib, json, sys, threading
for name in sys.argv[1].split(","):
    importlib.import_module(f"functions.{name}.handler")
lazy = ("boto3", "jwt", "cryptography", "requests", "fastjsonschema")
lazy += ("email", "http.client", "asyncio", "multiprocessing")
print(json.dumps([[m for m in lazy if m in sys.modules], threading.active_count()]))
"""


def environment(function: Function) -> dict[str, str]:
    """What the template tells this function, and nothing more."""
    told: dict[str, str] = dict(COMMON)
    for need in function.needs:
        told |= SETTINGS[need]
    return told | (POSTING if function.posts else {})


def test_importing_all_handlers_loads_no_sdk_and_starts_nothing() -> None:
    """JWT, cryptography and the AWS SDK wait for their first use; no thread, so no connection, is begun.

    What the driver would load and nobody uses is not there at all: a third of its time.
    """
    names = ",".join(function.name for function in FUNCTIONS)
    path = os.pathsep.join((str(ROOT), str(ROOT / "layers/core/python")))
    done = subprocess.run(
        [sys.executable, "-c", _WHAT_IS_LOADED, names],
        env={"PATH": "/usr/bin", "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[], 1]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_a_function_needs_only_its_own_variables(function: Function) -> None:
    """With those of its row in the route table it makes every adapter that the row lets it use."""
    made = Services(environment(function))

    for table in function.tables:
        assert getattr(made, PORTS[table]) is getattr(made, PORTS[table])
    if function.posts:
        assert made.sockets
    if "AUDIENCE" in function.needs:
        assert made.identity.audience == "127.0.0.1:4566"
        assert made.check_signature
    if "SOCKET_URL" in function.needs:
        assert made.discovery.socket_url == "wss://example.test/v1"
    if "VERIFIER" in function.needs:
        assert made.verification.verifiers == ("oidc",)
        assert isinstance(made.verifier, Verifiers)
    if function.texts:
        assert isinstance(made.text_sender, SnsSender)


@pytest.mark.parametrize("name", ["identity", "sockets", "discovery", "verification", "verifier"])
def test_a_missing_variable_is_named(name: str) -> None:
    """What is absent fails where it is first used, by its name."""
    with pytest.raises(SettingMissing, match=r"[A-Z_]{5,}"):
        getattr(Services({}), name)


def test_storage_without_variables_is_keyspaces_of_the_region() -> None:
    """Nothing of Cassandra stands in the template; only the region is needed."""
    with pytest.raises(SettingMissing, match="AWS_REGION"):
        _ = Services({}).inbox
    assert Services({"AWS_REGION": "eu-central-1"}).inbox


def test_adapters_share_one_session() -> None:
    """One connection an environment, whatever it reads and writes."""
    made = Services(COMMON)

    sessions = {id(getattr(made, port)._cassandra) for port in PORTS.values() if port != "limits"}
    sessions.add(id(made.limits._rows._cassandra))  # type: ignore[attr-defined]

    assert len(sessions) == 1


def test_verifiers_are_chosen_by_name() -> None:
    """Each that the stage lists, and no other: synthesis refuses the open one where it may not be."""
    listed = Services(COMMON | SETTINGS["VERIFIER"] | {"VERIFIER": "open,oidc,otp"}).verifier
    assert isinstance(listed, Verifiers)
    assert [type(one) for one in listed._names.values()] == [OpenVerifier, OidcVerifier]
    assert [type(one) for one in listed._numbers.values()] == [OtpVerifier]

    only = Services(COMMON | {"VERIFIER": "otp"}).verifier
    assert isinstance(only, Verifiers)
    assert (list(only._names), list(only._numbers)) == ([], ["otp"])
    with pytest.raises(SettingMissing, match="VERIFIER"):
        _ = Services({"VERIFIER": "none"}).verifier


def test_a_laptop_sends_no_text_message() -> None:
    """Codes stand in its log instead."""
    local = COMMON | SETTINGS["OTP_COUNTRIES"] | {"STAGE": "local", "OTP_SENDER": "log"}
    assert isinstance(Services(local).text_sender, LogSender)


class TestServices:
    """The one object of an environment."""

    @pytest.fixture(autouse=True)
    def _fresh(self) -> Iterator[None]:
        bootstrap.services.cache_clear()
        yield
        bootstrap.services.cache_clear()

    def test_it_is_made_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Warm invocations find the session of the first."""
        monkeypatch.delenv("HELIOGRAPH_DECORATE_SERVICES", raising=False)

        assert bootstrap.services() is bootstrap.services()

    def test_a_deployment_for_tests_may_wrap_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """By module and function."""
        monkeypatch.setenv("HELIOGRAPH_DECORATE_SERVICES", "builtins:repr")

        wrapped: Any = bootstrap.services()

        assert "Services object" in wrapped
