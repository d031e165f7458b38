"""Every HTTPS route of ``openapi.yaml``, called with data made from it: the answers are those it promises.

schemathesis makes the data: right ones and wrong ones. A new route is picked up from the document by itself.
``HELIOGRAPH_FUZZ_SEED`` chooses other data than those of every run.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from requests.auth import AuthBase
from schemathesis import Case, GenerationMode, openapi
from schemathesis.checks import CHECKS, load_all_checks

from infra.routes import HTTPS_FUNCTIONS, HttpsRoute
from schemas import documents
from tests.barriers import Barriers
from tests.e2e import bodies, contract
from tests.e2e.client import ANSWER_SECONDS, Device, Json

pytestmark = [pytest.mark.local_only, pytest.mark.timeout(300)]

EXAMPLES = 40
"""Requests of a route in each mode."""

SEED = os.environ.get("HELIOGRAPH_FUZZ_SEED", "heliograph")
load_all_checks()
CONFORMS = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)
REFUSED = CHECKS.get_by_names(["negative_data_rejection"])
SECRETS = ("Traceback", "site-packages", ".py", "cassandra", "SELECT ", "INSERT ", "Internal Server Error")
GATEWAY_SAYS = {"message": "Not Found"}
"""What API Gateway says where a path leads nowhere."""


def _operations() -> dict[str, Any]:
    """By route. Signing is not schemathesis' matter: it would take a missing signature for wrong data."""
    document = documents.openapi() | {"security": []}
    found = [operation.ok() for operation in openapi.from_dict(document).get_all_operations()]
    return {operation.label: operation for operation in found}


OPERATIONS = _operations()


class Signed(AuthBase):
    """Signs a request as the device, over what is really sent."""

    def __init__(self, device: Device) -> None:
        self._device = device

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        url = urlsplit(str(request.url).removeprefix(self._device.base_url))
        path = unquote(url.path) + (f"?{url.query}" if url.query else "")
        body = request.body or b""
        sent = body.encode() if isinstance(body, str) else body
        header = self._device.authorization(str(request.method), path, sent)
        request.headers["authorization"] = header.encode(errors="surrogateescape")
        return request


class People:
    """Who calls, and whom there is to ask for."""

    def __init__(self, caller: Device, other: Device) -> None:
        self.caller = caller
        self.other = other
        self._known = {"account": other.account, "handle": other.handle, "key": other.auth_key, "device": 2}

    def fill(self, case: Case) -> None:
        """Let the path name somebody real."""
        for name in case.path_parameters or {}:
            case.path_parameters[name] = self._known.get(name, case.path_parameters[name])

    def stay(self, case: Case) -> None:
        """Who removes itself asks nothing more."""
        if (case.path_parameters or {}).get("device") == self.caller.device:
            case.path_parameters["device"] = 2

    def sign(self, case: Case) -> None:
        """Let the statement in a body be a good one, where there is one."""
        new = Device(self.caller.base_url)
        if case.operation.label == "POST /v1/register":
            case.body |= bodies.registration(new) | {"name": case.body["name"]}
        if case.operation.label == "PUT /v1/keys":
            case.body |= bodies.prekeys(self.caller, one_time=[1, 2], one_time_kem=[1])
        if case.operation.label == "POST /v1/keys/claim":
            case.body |= {"account": self.other.account, "devices": [1, 2]}
        if case.operation.label == "POST /v1/devices":
            case.body |= bodies.link(self.caller, new, case.body["name"], self.caller.own_list())
        if case.operation.label == "DELETE /v1/devices/{device}":
            device = case.path_parameters["device"]
            case.body |= bodies.removal(self.caller, device, self.caller.own_list())


@pytest.fixture
def people(new_device: Callable[[], Device], barriers: Barriers) -> People:
    """The caller has a second device; no limits hold for it."""
    caller, other = new_device(), new_device()
    caller.link()
    barriers.lift_limits(caller.account)
    return People(caller, other)


def test_the_document_holds_every_route() -> None:
    """What is called here is what the template deploys."""
    routes = [route for function in HTTPS_FUNCTIONS for route in function.routes]
    assert set(OPERATIONS) == {f"{r.method} {r.path}" for r in routes if isinstance(r, HttpsRoute)}


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("route", OPERATIONS)
def test_answers_are_those_of_the_document(route: str, mode: GenerationMode, people: People) -> None:
    """Status, headers and body as documented, a code with its status, and nothing of the inside; wrong data
    are refused. Of right data some name real accounts and hold good statements.
    """
    operation, outcomes = OPERATIONS[route], Counter[str]()
    good = mode is GenerationMode.POSITIVE
    wrong_query = not good and not operation.path_parameters and not operation.body
    cases = operation.as_strategy(generation_mode=GenerationMode.POSITIVE if wrong_query else mode)

    @seed(f"{SEED}:{route}:{mode.value}")
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    @given(cases, st.dictionaries(st.text(max_size=9), st.text(max_size=99), max_size=3), st.booleans())
    def ask(case: Case, query: Mapping[str, str], real: bool) -> None:
        people.stay(case)
        if good and real:
            people.fill(case)
            people.sign(case)
        if wrong_query:
            case.query = dict(query)
        outcomes[answer(case, people, wrong=not good and not wrong_query)] += 1

    ask()

    print(f"\n{route} {mode.value}: {dict(outcomes)}")
    assert outcomes.total() >= (1 if good and not operation.path_parameters and not operation.body else 20)


def answer(case: Case, people: People, *, wrong: bool) -> str:
    """Ask, hold the answer to the document, and say in a word what it was."""
    route = case.operation.label
    is_public = case.operation.definition.raw.get("security") == []
    auth = None if is_public else Signed(people.caller)
    response = case.call(base_url=people.caller.base_url, auth=auth, timeout=ANSWER_SECONDS)
    assert not [secret for secret in SECRETS if secret in response.text], response.text
    body: Json = response.json()
    if body == GATEWAY_SAYS:
        assert response.status_code == 404
        return "no route"
    # 413 refuses, too, and is not among the statuses that the check knows.
    checks = [*CONFORMS, *REFUSED] if wrong and response.status_code != 413 else CONFORMS
    case.validate_response(response, checks=checks)
    contract.check_body(route, response.status_code, body)
    return f"{response.status_code} {body['error']['code']}" if "error" in body else "200"
