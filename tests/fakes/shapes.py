"""What the server says, held to the contract by a validator that is not the server's."""

from __future__ import annotations

from functools import cache

import jsonschema_rs

from schemas import frames


@cache
def _validator(name: str) -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(frames.load(name))


@cache
def _type_validator(name: str) -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(frames.load_type(name))


def demand(name: str, value: object) -> None:
    """Raise ``jsonschema_rs.ValidationError`` unless ``value`` is a ``messages/<name>.schema.json``."""
    _validator(name).validate(value)


def demand_type(name: str, value: object) -> None:
    """The same for one of the shared types."""
    _type_validator(name).validate(value)
