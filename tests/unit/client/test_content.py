"""Contents: compact, strict, and kept where a later version made them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from heliograph import Content, DecryptionFailed, Mention
from heliograph.content import KINDS, Target
from heliograph.ids import AccountId, Address, ConversationId, LogicalId, MessageId, conversation_id, mint
from hypothesis import given, settings
from hypothesis import strategies as st

ALICE, BOB = AccountId(mint(1_764_000_000_000)), AccountId(mint(1_764_000_000_001))
SENDER = Address(f"{ALICE}:1")
CONVERSATION = conversation_id(ALICE, BOB)
NOW = 1_764_000_000_000
FITS = 319
"""A byte of padding follows, and 320 bytes are the least that is sent."""

TARGET = Target(BOB, LogicalId("0f" * 16))
HUNDRED = (
    "Shall we meet at the station at half past seven, or is that too early for you after the long flight"
)
BASE = Content(LogicalId("ab" * 16), "", CONVERSATION, NOW)
ORDINARY = {
    "text": replace(BASE, text=HUNDRED, mentions=(Mention(0, 5, BOB),), expires="30d"),
    "reply": replace(BASE, kind="reply", text=HUNDRED, target=TARGET, expires="30d"),
    "edit": replace(BASE, kind="edit", text=HUNDRED, target=TARGET, expires="30d"),
    "reaction": replace(BASE, kind="reaction", emoji="👩🏽‍❤️‍💋‍👨🏿", target=TARGET, expires="30d"),
    "delete": replace(BASE, kind="delete", target=TARGET, expires="30d"),
    "timer": replace(BASE, kind="timer", expires="30d"),
    "repair": replace(BASE, kind="repair", names=((MessageId(mint(NOW)), Address(f"{BOB}:12")),) * 3),
    "hello": replace(BASE, kind="hello", text=""),
    "secrets": replace(BASE, kind="secrets", account_secret="s" * 43, verified=((BOB, "v" * 43),)),
}


def decode(value: object, to: AccountId = BOB) -> Content:
    """Read a JSON value, as it came from alice."""
    text = value if isinstance(value, str) else json.dumps(value)
    return Content.decode(text.encode("utf-8", "surrogatepass"), SENDER, to)


def wire(ordinary: str, /, **changed: Any) -> dict[str, Any]:
    """Give the members of an ordinary content of a kind; ``None`` takes one away."""
    body = json.loads(ORDINARY[ordinary].encode()) | changed
    return {name: value for name, value in body.items() if value is not None}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_ordinary_content_fits_into_the_smallest_message(kind: str) -> None:
    """Every kind, with a hundred bytes of text where it has one, looks like any short text when padded."""
    assert len(ORDINARY[kind].encode()) <= FITS


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_is_written_is_read(kind: str) -> None:
    """A content comes out as it went in, and the store's two halves make the same again."""
    content = ORDINARY[kind]
    assert Content.decode(content.encode(), SENDER, BOB) == content
    bare = replace(content, mentions=(), names=(), account_secret="", verified=())
    assert bare.with_extras(content.extras()) == content


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@given(texts, st.integers(0, 1 << 47), st.sampled_from(["", "1h", "1d", "7d", "30d"]))
def test_any_text_comes_out_as_it_went_in(text: str, sent_at: int, expires: str) -> None:
    """Whatever somebody writes, in any script, with any control character."""
    content = replace(ORDINARY["reply"], text=text, sent_at=sent_at, expires=expires, mentions=())
    assert Content.decode(content.encode(), SENDER, BOB) == content


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=50)
@given(st.sampled_from(sorted(KINDS)), st.data())
def test_hostile_members_are_read_or_refused(kind: str, data: st.DataObject) -> None:
    """Any value in place of any member gives a content that can be written again, or DecryptionFailed."""
    body = wire(kind)
    body[data.draw(st.sampled_from(sorted(body)))] = data.draw(json_values)
    try:
        content = decode(json.dumps(body))
    except DecryptionFailed:
        return
    content.encode()


@given(st.binary(max_size=200))
def test_hostile_bytes_are_refused(plaintext: bytes) -> None:
    """Whatever is no content is refused as one that cannot be read, and by nothing else."""
    with pytest.raises(DecryptionFailed):
        Content.decode(plaintext, SENDER, BOB)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("[" * 8000, id="nesting"),
        pytest.param('"' + "x" * 9000 + '"', id="size"),
        pytest.param(wire("text") | {"text": "x" * 9000}, id="size of a content"),
        pytest.param(json.dumps(wire("text")).replace(HUNDRED, "\\ud800"), id="half a surrogate"),
        pytest.param(wire("text", v=0), id="version 0"),
        pytest.param(wire("text", v=True), id="a boolean version"),
        pytest.param(wire("text", v=None), id="no version"),
        pytest.param(wire("text", kind="Text!"), id="no kind"),
        pytest.param(wire("text", kind="x" * 40), id="a long kind"),
        pytest.param(wire("text", sent_at=1e3), id="time as a float"),
        pytest.param(wire("text", sent_at=-1), id="time before 1970"),
        pytest.param(json.dumps(wire("text", sent_at=7)).replace(" 7", " NaN"), id="NaN"),
        pytest.param(wire("text", logical_id="ab" * 16), id="a long logical id"),
        pytest.param(wire("text", logical_id="A" * 21 + "B"), id="two texts for one logical id"),
        pytest.param(wire("text", expires="2h"), id="a class that there is not"),
        pytest.param(wire("text", expires=3600), id="seconds"),
        pytest.param(wire("text", mentions=[[98, 5, "A" * 22]]), id="a mention behind the end"),
        pytest.param(wire("text", mentions=[[0, 5, "A" * 22], [4, 5, "A" * 22]]), id="overlapping mentions"),
        pytest.param(wire("text", mentions=[[0, 0, "A" * 22]]), id="an empty mention"),
        pytest.param(wire("text", mentions=[[n, 1, "A" * 22] for n in range(65)]), id="many mentions"),
        pytest.param(wire("text", mentions=[[0, 1, ALICE]]), id="a long account"),
        pytest.param(wire("reply", to=None), id="a reply to nothing"),
        pytest.param(wire("edit", target=["A" * 22]), id="half a target"),
        pytest.param(wire("reaction", emoji="ok"), id="a word for an emoji"),
        pytest.param(wire("reaction", emoji="👍\n"), id="a line for an emoji"),
        pytest.param(wire("reaction", emoji="👍" * 17), id="many emoji"),
        pytest.param(wire("timer", expires=None), id="a timer without a class"),
        pytest.param(wire("repair", names=[["A" * 22, "A" * 22 + ":0"]]), id="device 0"),
        pytest.param(wire("repair", names=[["A" * 22, "A" * 22 + ":1"]] * 101), id="many names"),
        pytest.param(wire("secrets", account_secret="s" * 513), id="a long secret"),
    ],
)
def test_a_content_of_another_shape_is_refused(body: object) -> None:
    """Refused in whole, and the reason quotes nothing of it: reasons are kept and shown."""
    with pytest.raises(DecryptionFailed) as refused:
        decode(body)
    assert str(refused.value).startswith("the content has another shape: ")
    assert str(refused.value).rpartition(" ")[2].isalpha()


def test_a_content_of_another_conversation_is_refused() -> None:
    """Whoever it was meant for, a server cannot move it to somebody else."""
    with pytest.raises(DecryptionFailed, match="another conversation"):
        decode(wire("text"), to=AccountId(mint(NOW)))


@pytest.mark.parametrize("changed", [{"kind": "poll"}, {"v": 2}, {"v": 2, "text": 7}])
def test_what_a_later_version_made_is_kept(changed: dict[str, Any]) -> None:
    """An unknown kind or version gives a placeholder with everything that came, and can be written again."""
    body = json.dumps(wire("text", question="Where?") | changed)

    content = decode(body)

    assert (content.kind, content.text, content.logical_id) == ("unsupported", "", "ab" * 16)
    assert content.encode().decode() == body
    bare = replace(content, raw="")
    assert bare.with_extras(content.extras()) == content


def test_a_placeholder_belongs_to_its_conversation_too() -> None:
    """A later version gets no other rules about where it may be shown."""
    with pytest.raises(DecryptionFailed, match="another conversation"):
        decode(wire("text", kind="poll", conversation=ConversationId("A" * 22)))


def test_members_that_are_not_known_are_ignored() -> None:
    """A later version may add to a kind without losing this one."""
    assert decode(wire("text", colour="red")) == ORDINARY["text"]


@pytest.mark.parametrize("emoji", ["👍", "👩🏽‍❤️‍💋‍👨🏿", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "❤️", "©️"])
def test_an_emoji_of_any_length_is_one(emoji: str) -> None:
    """Skin tones, joiners, tags, flags and keycaps: what a keyboard offers as one."""
    replace(ORDINARY["reaction"], emoji=emoji).check()
