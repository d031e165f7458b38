"""One set of contents gives one state, on every device and in every order of arrival."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from heliograph import Content
from heliograph.content import Target
from heliograph.ids import AccountId, Address, LogicalId, account_of, conversation_id, mint
from heliograph.signing import AuthKey, Identity
from heliograph.store import incoming, messages, shown, timers
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.client.plain_encryption import PlainEncryption
from tests.unit.client.world import envelope, plain_store

NOW = 1_764_000_000_000
ALICE, BOB = AccountId(mint(NOW, 1)), AccountId(mint(NOW, 2))
SENDERS = [Address(f"{ALICE}:1"), Address(f"{ALICE}:2"), Address(f"{BOB}:1")]
READERS = [Identity(ALICE, 3, "alice", AuthKey.generate()), Identity(BOB, 2, "bob", AuthKey.generate())]
KINDS = ["text", "reply", "edit", "edit", "reaction", "reaction", "delete", "timer"]
NAMES = {sender: [LogicalId(f"{n}{m:031x}") for m in range(2)] for n, sender in enumerate(SENDERS)}
"""Of each device those that it gives its texts: a repeat of one comes from the same device."""
TARGETS = [Target(account, name) for account in (ALICE, BOB) for names in NAMES.values() for name in names]
"""Right ones, and some that nobody has."""


@dataclass(frozen=True)
class Sent:
    """A content under the id that it went over the wire with."""

    time: int
    sender: Address
    content: Content


@st.composite
def stories(draw: st.DrawFn) -> list[Sent]:
    """A few texts, and what all devices do to them: their own, others', and some that never come."""
    story: list[Sent] = []
    for number in range(draw(st.integers(1, 12))):
        sender = draw(st.sampled_from(SENDERS))
        kind = draw(
            st.sampled_from(["text", "reply", "edit", "edit", "reaction", "reaction", "delete", "timer"])
        )
        visible = kind in ("text", "reply")
        content = Content(
            draw(st.sampled_from(NAMES[sender])) if visible else LogicalId(f"{100 + number:032x}"),
            f"{kind} {number}" if kind in ("text", "reply", "edit") else "",
            conversation_id(ALICE, BOB),
            NOW,
            kind,
            target=None if kind in ("text", "timer") else draw(st.sampled_from(TARGETS)),
            emoji=draw(st.sampled_from(["👍", "👎", ""])) if kind == "reaction" else "",
            expires=draw(st.sampled_from(["", "1h", "7d"])) if kind == "timer" else "",
        )
        repeated = [each.content for each in story if each.content.logical_id == content.logical_id]
        time = draw(st.integers(0, 6))  # ids collide and come in any order
        story.append(Sent(time, sender, repeated[0] if repeated else content))
    return story


def state(reader: Identity, arrivals: list[Sent]) -> tuple[Any, ...]:
    """Give what a device shows after contents came in this order."""
    connection = plain_store(Path(":memory:"))
    try:
        for number, sent in enumerate(arrivals):
            _come(connection, reader, sent, number)
        rows = messages.history(connection, BOB if reader.account == ALICE else ALICE, None, 100)
        found = [shown.of(connection, row) for row in rows]
        return (
            [(each.row.id, each.row.account, each.text, each.deleted, each.quoted) for each in found],
            [dict(each.reactions) for each in found],
            timers.current(connection, BOB if reader.account == ALICE else ALICE),
        )
    finally:
        connection.close()


def _come(connection: sqlite3.Connection, reader: Identity, sent: Sent, number: int) -> None:
    to = BOB if account_of(sent.sender) == ALICE else ALICE
    event = {
        "type": "message",
        "id": mint(NOW + sent.time, 7),
        "sender": sent.sender,
        "to": to,
        "ciphertext": envelope(sent.content),
    }
    done = incoming.ingest(connection, [event], reader, PlainEncryption(), NOW + number)
    assert len(done.acks) >= 1


@settings(max_examples=150, deadline=None)
@given(stories(), st.data())
def test_any_order_of_arrival_gives_one_state(story: list[Sent], data: st.DataObject) -> None:
    """On a device of each side, with rows that come twice: texts, edits, reactions, deletions, the timer."""
    unique = list({(sent.time, sent.sender): sent for sent in story}.values())
    wanted = state(READERS[0], unique)
    for reader in READERS:
        again = data.draw(st.lists(st.sampled_from(unique), max_size=3))
        order = data.draw(st.permutations(unique + again))
        assert state(reader, order) == wanted


@pytest.mark.parametrize("reader", READERS)
def test_a_change_that_is_sent_again_under_a_larger_id_is_the_newest(reader: Identity) -> None:
    """A repair may send an edit once more: it counts from its largest id, in either order."""
    base = Content(NAMES[SENDERS[0]][0], "one", conversation_id(ALICE, BOB), NOW)
    target = Target(ALICE, NAMES[SENDERS[0]][0])
    edits = [
        Content(LogicalId(f"{n:032x}"), f"edit {n}", base.conversation, NOW, "edit", target=target)
        for n in (8, 9)
    ]
    story = [
        Sent(0, SENDERS[0], base),
        Sent(1, SENDERS[0], edits[0]),
        Sent(2, SENDERS[0], edits[1]),
        Sent(3, SENDERS[0], edits[0]),
    ]
    for order in (story, story[::-1]):
        assert state(reader, order)[0][0][2] == "edit 8"
