"""What an inbox row holds, there and back."""

from __future__ import annotations

import pytest
from chat.domain.envelope import StoredMessage, StoredReceipt, decode
from chat.domain.ids import AccountId, MessageId, MessageName

ALICE = AccountId("0198f0a0-0000-7000-8000-00000000a11c")
ID = MessageId("0198f0b1-2c3d-7abc-9def-0123456789ab")


@pytest.mark.parametrize("ciphertext", [b"", b"x", b"\n \x00\xff", bytes(8_192)])
def test_a_message(ciphertext: bytes) -> None:
    """Any bytes; 17 more than the ciphertext."""
    stored = StoredMessage(ALICE, ciphertext)

    assert decode(stored.encode()) == stored
    assert len(stored.encode()) == 17 + len(ciphertext)


@pytest.mark.parametrize("count", [1, 256])
def test_a_receipt(count: int) -> None:
    """The names in their order."""
    stored = StoredReceipt(tuple(MessageName(ID, f"{ALICE}:{i + 1}") for i in range(count)))

    assert decode(stored.encode()) == stored


def test_an_unknown_kind() -> None:
    """A row of a later version is an error, not a wrong message."""
    with pytest.raises(ValueError, match="kind 9"):
        decode(b"\x09abc")
