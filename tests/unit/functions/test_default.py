"""``$default``: what no route took is refused, and nothing else happens."""

from __future__ import annotations

import pytest

from tests.fakes.events import frame
from tests.fakes.handlers import body_of, call
from tests.fakes.world import World


@pytest.mark.parametrize(
    ("text", "ref", "code"),
    [
        ("", None, "BAD_FRAME"),
        ("hello", None, "BAD_FRAME"),
        ("[]", None, "BAD_FRAME"),
        ("{}", None, "BAD_FRAME"),
        ('{"ref":"1"}', "1", "BAD_FRAME"),
        ('{"ref":"1","action":"SEND"}', "1", "UNKNOWN_ACTION"),
        ('{"ref":"1","action":"typing"}', "1", "UNKNOWN_ACTION"),
        ('{"ref":"1","action":{"send":1}}', "1", "UNKNOWN_ACTION"),
        ('{"ref":"1","action":"x","action":"y"}', None, "BAD_FRAME"),
        ("x" * 200_000, None, "TOO_LARGE"),
        (b'{"ref":"1","action":"sync"}', None, "BAD_FRAME"),
        (b"\xff\xfe", None, "BAD_FRAME"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_refused(world: World, text: str | bytes, ref: str | None, code: str) -> None:
    """Answered with the code, and the ref where there is one; nothing is written, posted or read."""
    socket = world.online(world.account("alice"))
    reads = world.cards.reads

    answer = call("default", frame(socket, text))

    assert answer["statusCode"] == 200
    body = body_of(answer)
    assert (body["ref"], body["error"]["code"]) == (ref, code)
    assert world.inbox.log == []
    assert world.sockets.frames == {}
    assert world.cards.reads == reads
