"""The handlers of the socket over mutated frames: a documented code each, and nothing written."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from chat.usecases.send import send
from chat.wire.frames import event_frames

from infra.routes import SOCKET_FUNCTIONS
from schemas import documents
from tests.fakes.events import frame
from tests.fakes.handlers import call, serving
from tests.fakes.world import World, address
from tests.mangled import Cast, Mangler, refusal_of
from tests.mangled.expected import ACTIONS
from tests.mangled.values import CANARY

FRAMES = 500
ALLOWED: dict[str, list[str]] = documents.read("asyncapi.yaml")["components"]["x-error-codes"]
ANSWERING = {route.key for function in SOCKET_FUNCTIONS for route in function.routes if route.answers}


class Backend:
    """Mallory, who sends nonsense, and two others; no limits."""

    def __init__(self) -> None:
        self.world = world = World()
        world.limits.take = lambda *_args, **_named: 0  # type: ignore[method-assign]
        self.accounts = [world.account(handle) for handle in ("mallory", "alice", "bob")]
        self.me = world.online(self.accounts[0])
        for account in self.accounts[1:]:
            world.online(account)
            messages = [world.message(self.accounts[0]) for _ in range(3)]
            send(address(account), messages, **world.delivery, encode=event_frames, now=world.time)
        world.sockets.frames.clear()

    def cast(self) -> Cast:
        """Who frames may be about."""
        rows = tuple(self.world.inbox.rows[self.me.address])
        named = tuple((str(name.id), name.sender) for name in rows)
        return Cast(str(self.me.address), tuple(self.accounts), named, self.world.time)

    def contents(self) -> str:
        """Everything that is stored, and what was told or done to others."""
        world = self.world
        told = [events for socket, events in world.sockets.frames.items() if socket != self.me.connection_id]
        stored = (
            *(world.cards.lists, world.cards.stands, world.inbox.rows, world.connections.rows),
            *(world.connect_numbers.last, world.handles.claims, world.links.links, world.used_proofs.used),
        )
        return repr((stored, told, world.sockets.closed))

    def answers(self, route: str, body: str) -> list[dict[str, Any]]:
        """Everything that mallory is told for a frame, events left out."""
        answer = call(route.removeprefix("$"), frame(self.me, body))
        assert answer["statusCode"] == 200
        posted = self.world.sockets.frames.pop(self.me.connection_id, [])
        told = [*posted, json.loads(answer.get("body", "{}"))]
        return [one for one in told if "ref" in one]


def route_of(text: str) -> str:
    """The route that API Gateway takes: by ``action``, as far as it can read it."""
    try:
        action = json.loads(text)["action"]
    except (ValueError, RecursionError, TypeError, KeyError):
        return "$default"
    return action if action in ACTIONS else "$default"


def codes(told: dict[str, Any]) -> list[str]:
    """Every code in an answer, each documented for its place."""
    errors = {
        "frame": [told["error"]] if "error" in told else [],
        "message": [result["error"] for result in told.get("results", ()) if "error" in result],
        "ack_error": [told["ack_error"]] if "ack_error" in told else [],
    }
    for place, found in errors.items():
        assert {error["code"] for error in found} <= set(ALLOWED[place]), told
    return [error["code"] for found in errors.values() for error in found]


@pytest.mark.parametrize("seed", range(2))
def test_a_mangled_frame_is_refused_and_writes_nothing(seed: int) -> None:
    """The refusal is the one that the contract names, it quotes nothing, and the world is as before."""
    mangler, outcomes = Mangler(seed), Counter[str]()
    for count in range(FRAMES):
        if count % 250 == 0:
            backend = Backend()
            before = backend.contents()
        mangled = mangler.frame(backend.cast())
        if not isinstance(mangled.body, str):
            continue
        route, expected = route_of(mangled.body), refusal_of(mangled.body)
        with serving(backend.world):
            answers = backend.answers(route, mangled.body)
        why = f"seed {seed}, frame {count} ({mangled.how}): {mangled.body[:300]!r} got {answers}"
        assert len(answers) == 1 or (route == "ack" and not answers), why
        assert CANARY not in json.dumps(answers), why
        found = [code for answer in answers for code in codes(answer)]
        assert not {"INTERNAL", "UNAVAILABLE"} & set(found), why
        if expected is not None:
            assert found == [expected], why
        after = backend.contents()
        assert after == before or not (answers and "error" in answers[0]), why
        before = after
        outcomes.update(found or ["served"])

    assert outcomes["served"] < FRAMES / 20, outcomes
    assert len(outcomes) > 6, outcomes
