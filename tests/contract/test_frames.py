"""The frame schemas: sound, self-contained, and understood alike by two validators.

The server validates with fastjsonschema, which silently ignores what it does not know; jsonschema-rs is
the second opinion.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas import compiler, frames
from schemas.compiled import Mismatch

DRAFT_07 = "http://json-schema.org/draft-07/schema#"
ONE_SCHEMA = {
    "additionalItems",
    "additionalProperties",
    "contains",
    "else",
    "if",
    "not",
    "propertyNames",
    "then",
}
MANY_SCHEMAS = {"allOf", "anyOf", "oneOf"}
NAMED_SCHEMAS = {"definitions", "dependencies", "patternProperties", "properties"}
# format is left out: validators disagree about it, and a pattern says it exactly.
PLAIN = {
    "$ref", "$schema", "const", "default", "description", "enum", "examples", "exclusiveMaximum",
    "exclusiveMinimum", "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength",
    "minProperties", "minimum", "multipleOf", "pattern", "required", "title", "type", "uniqueItems",
}  # fmt: skip
NAMES = frames.names()
EXAMPLES = [(name, example) for name in NAMES for example in frames.load(name)["examples"]]
ODD: list[Any] = [
    None, True, False, 0, 1, 1.0, -1, 1.5, 2**53 + 1, "", "x", "1", "a\n", "\u00e9", "\u0000", "A" * 2000,
    [], [[]], {}, {"x": 1}, {"1\n": "aGVsbG8"}, ["0198f0b1-2c3d-7abc-9def-0123456789ab"],
]  # fmt: skip


@cache
def fast(name: str) -> Any:
    """The validator of the server, made once."""
    made: dict[str, Any] = {}
    exec(compiler.render(frames.load(name)), made)  # noqa: S102, our own code
    return made["validate"]


@cache
def other(name: str) -> jsonschema_rs.Draft7Validator:
    """The second opinion."""
    return jsonschema_rs.Draft7Validator(frames.load(name))


def accepts(name: str, instance: Any) -> bool:
    """Whether the server would take ``instance`` for a ``name``."""
    try:
        fast(name)(instance)
    except Mismatch:
        return False
    return True


def subschemas(node: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema inside ``node`` with its path; values such as examples are none."""
    if not isinstance(node, dict):
        return
    yield path, node
    for key, value in node.items():
        if key in ONE_SCHEMA or (key == "items" and isinstance(value, dict)):
            yield from subschemas(value, f"{path}/{key}")
        elif key in MANY_SCHEMAS or key == "items":
            for index, item in enumerate(value):
                yield from subschemas(item, f"{path}/{key}/{index}")
        elif key in NAMED_SCHEMAS:
            for child, item in value.items():
                yield from subschemas(item, f"{path}/{key}/{child}")


@pytest.mark.parametrize("name", [*NAMES, "types"])
def test_only_draft_07(name: str) -> None:
    """Every schema declares draft-07 and holds no other keyword: the server would not notice one."""
    schema = frames.load(name)
    assert schema["$schema"] == DRAFT_07
    jsonschema_rs.meta.validate(schema)
    known = ONE_SCHEMA | MANY_SCHEMAS | NAMED_SCHEMAS | PLAIN | {"items"}
    unknown = [
        f"{path}: {key}" for path, node in subschemas(schema, name) for key in node if key not in known
    ]
    assert not unknown


@pytest.mark.parametrize("name", [*NAMES, "types"])
def test_references_stand_alone(name: str) -> None:
    """A keyword beside ``$ref`` has no effect in draft-07, so there is none; and all references are local."""
    for path, node in subschemas(frames.load(name), name):
        if "$ref" in node:
            assert set(node) == {"$ref"} or path == name, path
            assert node["$ref"].startswith("#/definitions/"), path


@pytest.mark.parametrize("name", [*NAMES, "types"])
def test_patterns_mean_the_same_everywhere(name: str) -> None:
    """Patterns are anchored at both ends and use no class whose meaning depends on the language."""
    for path, node in subschemas(frames.load(name), name):
        pattern = node.get("pattern")
        if pattern is not None:
            assert pattern.startswith("^"), path
            assert pattern.endswith("$"), path
            assert not re.search(r"\\[dwsDWSbB]", pattern), path


@pytest.mark.parametrize("name", NAMES)
def test_only_used_definitions_are_loaded(name: str) -> None:
    """A loaded schema carries what it refers to and nothing else:"""
    schema = frames.load(name)
    used = {node["$ref"].rpartition("/")[2] for _, node in subschemas(schema, name) if "$ref" in node}
    assert used == set(schema.get("definitions", {}))


def test_the_compiled_schemas_are_those_of_the_sources() -> None:
    """What a function imports is what `make schema` writes today, no more and no less."""
    there = {path.name: path.read_text() for path in compiler.FOLDER.glob("*.py") if path.stem != "__init__"}
    assert there == compiler.modules()


def test_a_compiled_schema_quotes_nothing_of_the_value() -> None:
    """A refusal knows place and rule: there is no text to leak."""
    for name, text in compiler.modules().items():
        raised = [line.strip() for line in text.splitlines() if "raise " in line]
        assert raised, name
        assert all(re.fullmatch(r"raise Mismatch\(.*, '\w+'\)", line) for line in raised), name


def test_loading_gives_a_copy() -> None:
    """What a caller does to a loaded schema stays its own."""
    frames.load("send")["definitions"].clear()
    assert frames.load("send")["definitions"]


def test_unknown_names_are_refused() -> None:
    """A name without a file, or a type that is not shared, is an error of the program."""
    with pytest.raises(FileNotFoundError):
        frames.load("telegram")
    with pytest.raises(KeyError):
        frames.load_type("telegram")


@pytest.mark.parametrize(
    ("name", "example"), EXAMPLES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(EXAMPLES)]
)
def test_examples_fit(name: str, example: Any) -> None:
    """Every example fits its own schema, with both validators."""
    fast(name)(example)
    other(name).validate(example)


def test_every_schema_has_an_example() -> None:
    """A frame without an example is not documented."""
    assert {name for name, _ in EXAMPLES} == set(NAMES)


@pytest.mark.parametrize("ref", ["7\n", "\n7", "7\r\n", " 7"])
def test_a_trailing_newline_does_not_fit(ref: str) -> None:
    """``$`` is the end, not the place before a last newline: that would split signed and logged lines."""
    assert accepts("ack", {"action": "ack", "ref": "7", "ack": {}})
    assert not accepts("ack", {"action": "ack", "ref": ref, "ack": {}})


def test_a_key_with_a_newline_does_not_fit() -> None:
    """The same holds for the keys of an object."""
    frame = copy.deepcopy(frames.load("send")["examples"][0])
    frame["messages"][0]["devices"] = {"1\n": "aGVsbG8"}
    assert not accepts("send", frame)


@pytest.mark.parametrize(
    ("mark", "fits"), [(True, False), (False, False), (1, True), (1.5, False), (-1, False)]
)
def test_booleans_are_no_integers(mark: Any, fits: bool) -> None:
    """Python counts True as 1; the contract does not."""
    assert accepts("sync", {"action": "sync", "ref": "1", "mark": mark}) is fits


@pytest.mark.parametrize("accepted", [1, 1.0, False, "true"])
def test_one_is_not_true(accepted: Any) -> None:
    """Python counts 1 as True; the contract does not."""
    answer = {
        "ref": "1",
        "time": 1,
        "results": [{"id": "0198f0b1-2c3d-7abc-9def-0123456789ab", "accepted": accepted}],
    }
    assert not accepts("send_answer", answer)


def test_unknown_fields_are_ignored() -> None:
    """A newer client may say more: no schema refuses a field that it does not know."""
    for name, example in EXAMPLES:
        assert accepts(name, example | {"brand_new": 1}), name
    for name in [*NAMES, "types"]:
        closed = [
            path
            for path, node in subschemas(frames.load(name), name)
            if node.get("additionalProperties") is False
        ]
        assert not closed


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside ``node``."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in children:
        yield (*path, key)
        yield from places(value, (*path, key))


def mutate(draw: st.DrawFn, instance: Any) -> None:
    """Changes one value somewhere inside ``instance``."""
    *parents, key = draw(st.sampled_from(sorted(places(instance), key=repr)))
    holder = instance
    for parent in parents:
        holder = holder[parent]
    value = holder[key]
    change = draw(st.sampled_from(["replace", "delete", "repeat", "newline", "rename", "borrow"]))
    if change == "delete":
        del holder[key]
    elif change == "repeat" and isinstance(value, list):
        holder[key] = value * draw(st.sampled_from([2, 3, 300]))
    elif change == "newline" and isinstance(value, str):
        holder[key] = value + "\n"
    elif change == "rename" and isinstance(holder, dict):
        holder[key + draw(st.sampled_from(["\n", "x", "0"]))] = holder.pop(key)
    elif change == "borrow":
        holder[key] = copy.deepcopy(
            draw(st.sampled_from(list(holder.values() if isinstance(holder, dict) else holder)))
        )
    else:
        holder[key] = copy.deepcopy(draw(st.sampled_from(ODD)))


@st.composite
def broken_examples(draw: st.DrawFn) -> tuple[str, Any]:
    """An example with one to three changes, most of which no longer fit."""
    name, example = draw(st.sampled_from(EXAMPLES))
    instance = copy.deepcopy(example)
    for _ in range(draw(st.integers(1, 3))):
        if instance:
            mutate(draw, instance)
    return name, instance


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(broken_examples())
def test_two_validators_agree(case: tuple[str, Any]) -> None:
    """What the server takes and what the second opinion takes is the same, for changed examples, too."""
    name, instance = case
    assert accepts(name, instance) == other(name).is_valid(instance)
