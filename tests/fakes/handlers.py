"""The Lambda handlers on fakes."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chat import bootstrap

from tests.fakes.events import Event
from tests.fakes.world import World


@contextmanager
def serving(world: World) -> Iterator[None]:
    """Every handler that is called meanwhile finds this world instead of the services of its environment."""
    real = bootstrap.Services
    bootstrap.Services = lambda _environ: world  # type: ignore[assignment,misc]
    bootstrap.services.cache_clear()
    try:
        yield
    finally:
        bootstrap.Services = real  # type: ignore[misc]
        bootstrap.services.cache_clear()


def call(function: str, event: Event) -> dict[str, Any]:
    """What the handler of a function returns."""
    handler = importlib.import_module(f"functions.{function}.handler").handler
    answer: dict[str, Any] = handler(event, None)
    return answer


def body_of(answer: dict[str, Any]) -> dict[str, Any]:
    """The JSON in an answer."""
    body: dict[str, Any] = json.loads(answer["body"])
    return body
