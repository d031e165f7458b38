"""Paging tokens: opaque, and of one device only."""

from __future__ import annotations

from typing import Any

import pytest
from chat.domain import base64url
from chat.domain.ids import AccountId, Address, DeviceId, MessageId, MessageName
from chat.domain.page_token import PageToken, decode
from chat.errors import ChatError, Code

from tests.fakes import shapes

ALICE = AccountId("0198f0a0-0000-7000-8000-00000000a11c")
BOB = AccountId("0198f0a0-0000-7000-8000-000000000b0b")
OWNER = Address(ALICE, DeviceId(1))
TOKEN = PageToken(
    1_764_000_000_000, MessageName(MessageId("019ab697-e800-7abc-9def-0123456789ab"), f"{BOB}:1/delivered")
)


def test_there_and_back() -> None:
    """For its device; in the shape of the contract; the week is that of the id."""
    text = TOKEN.encode(OWNER)

    assert decode(text, OWNER) == TOKEN
    assert TOKEN.week == 2916
    shapes.demand_type("token", text)


def bad_tokens() -> dict[str, str]:
    """Everything that is no token of the owner."""
    good = TOKEN.encode(OWNER)
    raw = base64url.decode(good)
    flipped: dict[str, Any] = {}
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1
        flipped[f"bit {place}"] = base64url.encode(bytes(changed))
    return {
        "of another account": TOKEN.encode(Address(BOB, DeviceId(1))),
        "of another device": TOKEN.encode(Address(ALICE, DeviceId(2))),
        "cut": good[:-4],
        "longer": good + "AAAA",
        "empty": "",
        "short": "AQIDBA",
        "padded": good + "==",
        "no base64url": "!" * 40,
        "unicode": "\u00fc" * 40,
        **flipped,
    }


@pytest.mark.parametrize("token", bad_tokens().values(), ids=bad_tokens().keys())
def test_refused(token: str) -> None:
    """BAD_TOKEN, which tells the client to start again."""
    with pytest.raises(ChatError) as refused:
        decode(token, OWNER)

    assert refused.value.code is Code.BAD_TOKEN
