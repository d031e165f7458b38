"""The settings of the stages, and what they refuse."""

from __future__ import annotations

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from infra.application import build, refuse_real_account, stage_from_context
from infra.routes import FUNCTIONS, SocketRoute
from infra.stages import STAGE_NAMES, StageError, stage
from tests.infra.deployment import STACKS

OTP = {"verifier": "otp", "otp_countries": "49:9", "otp_daily_cap_cents": "500"}
PROVIDER = {"oidc_issuer": "https://login.example.org", "oidc_audience": "chat"}


@pytest.mark.parametrize("name", [name for name in STAGE_NAMES if name != "local"])
@pytest.mark.parametrize("others", [{}, PROVIDER, OTP], ids=["placeholder", "provider", "codes"])
@pytest.mark.parametrize("verifier", ["open", "oidc,open", "otp,open"])
def test_open_registration_is_refused_outside_the_local_stage(
    name: str, others: dict[str, str], verifier: str
) -> None:
    """No context can open the registration of a stage in the cloud; the message says what to pass instead."""
    app = App(context={"stage": name, **others, "verifier": verifier})

    with pytest.raises(StageError, match=f"verifier=open .* not '{name}'.*oidc_issuer"):
        stage_from_context(app)


def test_local_stage_is_open_and_may_use_a_provider() -> None:
    """At home anybody may register; a local identity provider may be tried there, over plain HTTP too."""
    app = App(
        context={
            "stage": "local",
            "verifier": "oidc",
            "oidc_issuer": "http://127.0.0.1:9",
            "oidc_audience": "a",
        }
    )

    assert stage("local").verifiers == ("open", "otp")
    assert stage_from_context(app).oidc_issuer == "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"verifier": "nobody"}, "expected a comma list of 'open', 'oidc' and 'otp'"),
        ({"verifier": "oidc,nobody"}, "expected a comma list"),
        ({"verifier": ""}, "expected a comma list"),
        ({"verifier": "otp"}, "needs both"),
        ({"verifier": "oidc,otp", "otp_countries": "49:9"}, "needs both"),
        ({"verifier": "otp", "otp_daily_cap_cents": "500"}, "needs both"),
        (OTP | {"otp_daily_cap_cents": "0"}, "needs both"),
        (OTP | {"otp_daily_cap_cents": "5.00"}, "whole number of cents"),
        (OTP | {"otp_countries": "49:9,+43:9"}, r"otp_countries has '\+43:9'"),
        (OTP | {"otp_countries": "49:0"}, "otp_countries has '49:0'"),
        (OTP | {"otp_sender": "pigeon"}, "expected 'sns' or 'log'"),
        (OTP | {"otp_sender": "log"}, "otp_sender=log shows codes in a log.* not 'dev'"),
        (OTP | {"otp_sender_id": "12345"}, "1 to 11 letters"),
        (OTP | {"otp_sender_id": "Helio graph"}, "1 to 11 letters"),
        ({"oidc_issuer": "https://login.example.org"}, "belong together"),
        ({"oidc_audience": "chat"}, "belong together"),
        ({"oidc_issuer": "http://login.example.org", "oidc_audience": "chat"}, "https:// URL"),
        ({"oidc_issuer": "", "oidc_audience": ""}, "needs both"),
        ({"metrics_seconds": "7"}, "unknown override metrics_seconds"),
        ({"traces": "yes"}, "expected 'on' or 'off'"),
        ({"dashboard": ""}, "expected 'on' or 'off'"),
        ({"alarms_to": "ops@example.org"}, "expected the ARN of an SNS topic"),
    ],
)
def test_contradicting_settings_are_refused(overrides: dict[str, str], message: str) -> None:
    """Settings that cannot work stop the synth with a reason."""
    with pytest.raises(StageError, match=message):
        stage("dev", overrides)


def test_codes_need_no_identity_provider() -> None:
    """The overrides of the command line are the settings of the stage; nothing stops its deployment."""
    given = stage("prod", OTP | {"otp_countries": "49:9, 1:1,!1876", "otp_sender_id": "Helio"})

    assert (given.verifiers, given.otp_countries, given.otp_daily_cap_cents, given.otp_sender_id) == (
        ("otp",),
        ("49:9", "1:1", "!1876"),
        500,
        "Helio",
    )
    assert given.sends_texts
    assert not given.lacks_identity_provider


def test_unknown_stage_is_refused_with_the_known_ones() -> None:
    """A mistyped stage is not a new stage."""
    with pytest.raises(StageError, match="expected one of local, dev, prod"):
        stage("develop")


@pytest.mark.parametrize("name", STAGE_NAMES)
def test_throttles_are_for_routes_that_exist(name: str) -> None:
    """A key of no route would fail the deployment; a rare route gets less than the others, but something."""
    settings = stage(name)
    keys = {
        route.key if isinstance(route, SocketRoute) else f"{route.method} {route.path}"
        for function in FUNCTIONS
        for route in function.routes
    }

    assert set(settings.route_throttles) <= keys
    for throttle in settings.route_throttles.values():
        assert 0 < throttle.per_second < settings.throttle.per_second
        assert throttle.per_second <= throttle.burst <= settings.throttle.burst


def test_stage_defaults_to_the_local_one() -> None:
    """Without a context the stage is the one that can harm nobody."""
    assert stage_from_context(App()).name == "local"


@pytest.mark.parametrize(
    ("overrides", "refused"),
    [({}, True), (PROVIDER, False), (OTP, False)],
    ids=["placeholder", "provider", "codes"],
)
def test_placeholder_cannot_be_deployed(overrides: dict[str, str], refused: bool) -> None:
    """Without an identity provider every stack wants a parameter without value, so no deployment starts."""
    app = App()
    stacks = build(app, stage("dev", overrides))

    templates = [Template.from_stack(stack).to_json() for stack in stacks.all]

    assert len(templates) == len(STACKS)
    for template in templates:
        parameter = template.get("Parameters", {}).get("PassOidcIssuerAndOidcAudience")
        assert (parameter is not None) is refused
        assert not refused or "Default" not in parameter


@pytest.mark.parametrize(
    ("name", "environment", "refused"),
    [
        ("local", {}, False),
        (
            "local",
            {"CDK_DEFAULT_ACCOUNT": "000000000000", "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
            False,
        ),
        ("local", {"CDK_DEFAULT_ACCOUNT": "111122223333"}, True),
        ("local", {"CDK_DEFAULT_ACCOUNT": "111122223333", "AWS_ENDPOINT_URL": "https://example.org"}, True),
        ("dev", {"CDK_DEFAULT_ACCOUNT": "111122223333"}, False),
    ],
)
def test_local_stage_stays_out_of_aws(name: str, environment: dict[str, str], refused: bool) -> None:
    """With credentials for AWS the local stage, open to anybody, is refused before anything is built."""
    if refused:
        with pytest.raises(StageError, match="belongs to the local cloud"):
            refuse_real_account(stage(name), environment)
    else:
        refuse_real_account(stage(name), environment)
