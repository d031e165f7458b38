"""``discovery``: what a client must know before it can sign anything."""

from __future__ import annotations

from chat.domain.devices import DEVICE_LIMIT
from chat.usecases import discovery
from chat.usecases.authenticate import CLOCK_SKEW
from chat.usecases.send import CIPHERTEXT_LIMIT
from chat.wire import bodies

from schemas import frames
from tests.fakes import shapes


def test_the_document_fits_its_schema() -> None:
    """Socket URL, versions, time and methods of verification are those of the stage."""
    found = discovery.discover("wss://example.test/v1", ("oidc", "otp"), now=5)

    answer = bodies.discovery_answer(found)

    shapes.demand("discovery_answer", answer)
    assert (answer["socket_url"], answer["time"], answer["verification"]) == (
        "wss://example.test/v1",
        5,
        ["oidc", "otp"],
    )
    assert answer["versions"] == {"supported": [1]}


def test_the_limits_are_those_that_are_enforced() -> None:
    """What is told is what the use cases and the schema of ``send`` refuse by."""
    limits = discovery.discover("", ("open",), now=0).limits

    assert limits["ciphertext_bytes"] == CIPHERTEXT_LIMIT
    assert limits["devices"] == DEVICE_LIMIT
    assert limits["clock_skew_ms"] == CLOCK_SKEW
    assert limits["messages_per_send"] == frames.load("send")["properties"]["messages"]["maxItems"]
    assert (limits["frame_bytes"], limits["event_frame_bytes"]) == (131_072, 32_768)
