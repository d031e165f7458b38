"""The two API documents: valid, complete, and of one mind with the schemas and docs/protocol.md.

That they also hold the routes of the template is checked in tests/infra/test_routes.py.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from schemas import documents, frames

ROOT = Path(__file__).parents[2]
METHODS = ("get", "post", "put", "delete")


@cache
def asyncapi_rules() -> jsonschema_rs.Draft7Validator:
    """The official schema of AsyncAPI 3.0.0."""
    text = (Path(__file__).parent / "official" / "asyncapi-3.0.0.json").read_text("utf-8")
    return jsonschema_rs.Draft7Validator(json.loads(text))


def operations() -> dict[str, dict[str, Any]]:
    """The operations of openapi.yaml by ``METHOD /path``."""
    return {
        f"{method.upper()} {path}": item[method]
        for path, item in documents.read("openapi.yaml")["paths"].items()
        for method in METHODS
        if method in item
    }


def references(node: Any) -> Iterator[str]:
    """Every ``$ref`` inside ``node``."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(document: Any, ref: str, folder: Path) -> Any:
    """What ``ref`` of ``document`` points at. Raises ``KeyError`` or ``FileNotFoundError`` for nothing."""
    file, _, pointer = ref.partition("#")
    node = json.loads((folder / file).read_text("utf-8")) if file else document
    for part in pointer.split("/")[1:]:
        node = node[part.replace("~1", "/").replace("~0", "~")]
    return node


def test_asyncapi_is_valid() -> None:
    """The official schema accepts asyncapi.yaml, as written and with the frame schemas inside."""
    asyncapi_rules().validate(documents.read("asyncapi.yaml"))
    asyncapi_rules().validate(documents.asyncapi())


def test_the_official_schema_notices_a_mistake() -> None:
    """The check above can fail: a wrong action and an unknown field are refused."""
    wrong_action = copy.deepcopy(documents.read("asyncapi.yaml"))
    wrong_action["operations"]["ack"]["action"] = "recieve"
    assert not asyncapi_rules().is_valid(wrong_action)
    assert not asyncapi_rules().is_valid(documents.read("asyncapi.yaml") | {"chanels": {}})


def test_openapi_is_valid() -> None:
    """openapi-spec-validator accepts openapi.yaml with the schemas inside."""
    assert list(OpenAPIV31SpecValidator(documents.openapi()).iter_errors()) == []


@pytest.mark.parametrize("file", ["asyncapi.yaml", "openapi.yaml"])
def test_every_reference_leads_somewhere(file: str) -> None:
    """Each reference, as written and bundled, names something that exists."""
    written = documents.read(file)
    for ref in references(written):
        resolve(written, ref, ROOT / "schemas")
    bundled = documents.asyncapi() if file == "asyncapi.yaml" else documents.openapi()
    for ref in references(bundled):
        assert ref.startswith("#/"), ref
        resolve(bundled, ref, ROOT / "schemas")


def test_received_operations_are_the_actions() -> None:
    """What the server receives is named as the ``action`` of its frame, and every action is received."""
    document = documents.read("asyncapi.yaml")
    received = {name: op for name, op in document["operations"].items() if op["action"] == "receive"}
    for name, operation in received.items():
        assert [ref["$ref"] for ref in operation["messages"]] == [f"#/channels/socket/messages/{name}"]
        assert frames.load(name)["properties"]["action"] == {"const": name}
    assert set(received) == {
        name for name in frames.names() if "action" in frames.load(name).get("properties", {})
    }


def test_replies_are_the_answers() -> None:
    """An operation with a reply is answered by its own answer or by an error, and by nothing else."""
    for name, operation in documents.read("asyncapi.yaml")["operations"].items():
        if "reply" in operation:
            found = {ref.rpartition("/")[2] for ref in references(operation["reply"]["messages"])}
            assert found == {f"{name}_answer", "error"}


def test_every_message_is_used() -> None:
    """All messages of the channel belong to an operation, and each is named as its payload's file."""
    document = documents.read("asyncapi.yaml")
    used = {ref.rpartition("/")[2] for ref in references(document["operations"]) if "/messages/" in ref}
    assert used == set(document["channels"]["socket"]["messages"]) == set(document["components"]["messages"])
    for name, message in document["components"]["messages"].items():
        assert message["name"] == name
        assert message["payload"]["$ref"] == f"./messages/{name}.schema.json"


def test_every_schema_is_used() -> None:
    """No frame or body stands in messages/ that neither document speaks of."""
    bundled = documents.asyncapi()["components"]["schemas"] | documents.openapi()["components"]["schemas"]
    assert set(frames.names()) <= set(bundled)


def test_the_protocol_page_lists_every_route() -> None:
    """docs/protocol.md names the same routes, who may call them, and the schemas of their bodies."""
    rows = re.findall(r"^\| (`(?:GET|POST|PUT|DELETE).*?) \| (\w+) \| (.*?) \|", _protocol(), re.MULTILINE)
    listed: dict[str, tuple[str, str]] = {}
    for routes, auth, bodies in rows:
        methods: list[str] = []
        for part in re.findall(r"`([^`]+)`", routes):
            method, _, path = part.partition(" ")
            methods.append(method)
            if path:
                listed |= {f"{each} {path}": (auth, bodies) for each in methods}
                methods.clear()
    assert {route: auth for route, (auth, _) in listed.items()} == {
        name: "public" if operation.get("security") == [] else "device"
        for name, operation in operations().items()
    }
    for name, operation in operations().items():
        named = set(re.findall(r"(\w+_(?:request|answer))", listed[name][1]))
        assert named == {ref for ref in _body_schemas(operation) if ref != "error_answer"}, name


@pytest.mark.parametrize("name", sorted(operations()))
def test_every_operation_can_be_refused(name: str) -> None:
    """Every operation shows the error body for both kinds of fault, and declares its path parameters."""
    operation = operations()[name]
    assert operation["responses"]["4XX"] == {"$ref": "#/components/responses/refused"}
    assert operation["responses"]["5XX"] == {"$ref": "#/components/responses/failed"}
    path = name.partition(" ")[2]
    document = documents.openapi()
    declared = [
        resolve(document, parameter["$ref"], ROOT) if "$ref" in parameter else parameter
        for parameter in document["paths"][path].get("parameters", [])
    ]
    assert {parameter["name"] for parameter in declared} == set(re.findall(r"\{(\w+)\}", path))


def _protocol() -> str:
    return (ROOT / "docs" / "protocol.md").read_text("utf-8")


def _body_schemas(operation: dict[str, Any]) -> set[str]:
    components = documents.read("openapi.yaml")["components"]["responses"]
    held = [
        operation,
        *(components[ref.rpartition("/")[2]] for ref in references(operation) if "/responses/" in ref),
    ]
    return {
        ref.rpartition("/")[2].removesuffix(".schema.json")
        for node in held
        for ref in references(node)
        if ref.startswith("./messages/") and "#" not in ref
    }
