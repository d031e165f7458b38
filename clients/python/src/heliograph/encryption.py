"""The encryption port, the content inside a ciphertext, and the clear encryption of the local cloud."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from heliograph.errors import DecryptionFailed, EncryptionRefused
from heliograph.ids import (
    AccountId,
    Address,
    ConversationId,
    LogicalId,
    MessageId,
    account_of,
    conversation_id,
)
from heliograph.signing import is_loopback

logger = logging.getLogger("heliograph")

MAX_CIPHERTEXT_BYTES = 8192
CONTENT_VERSION = 1


class Encryption(Protocol):
    """What turns content into one ciphertext a device, and back.

    `encrypt` and `decrypt` run on the store's thread, inside the transaction that stores their result:
    what they change in the store becomes durable together with it, or not at all.
    """

    max_plaintext_bytes: int
    """Largest plaintext whose ciphertexts stay within 8,192 bytes."""

    def check_server(self, url: str) -> None:
        """Refuse a server that this encryption must not be used with.

        Raises:
            EncryptionRefused: With the reason.
        """

    def encrypt(
        self, plaintext: bytes, *, message_id: MessageId, sender: Address, recipients: Mapping[Address, str]
    ) -> dict[Address, bytes]:
        """Encrypt for devices (address -> auth key, base64url); binds the message's name to each result."""

    def decrypt(
        self, ciphertext: bytes, *, message_id: MessageId, sender: Address, recipient: Address
    ) -> bytes:
        """Decrypt what `sender` encrypted for `recipient`.

        Raises:
            DecryptionFailed: It is not for this device, was changed, or comes from another encryption.
        """


class ClearEncryption:
    """No encryption: for a server on this machine, so that the whole path can be tried and tested.

    Its envelopes say so in their first bytes, and every other envelope is refused.
    """

    PREFIX = b"CLEAR1"
    max_plaintext_bytes = MAX_CIPHERTEXT_BYTES - len(PREFIX)

    _warned = False

    def check_server(self, url: str) -> None:
        """Allow this machine only."""
        if not is_loopback(url):
            raise EncryptionRefused(
                f"{url} is not on this machine, and this version sends messages as clear text. "
                "Clear text never leaves this machine: use a local cloud (make up)."
            )
        if not ClearEncryption._warned:
            ClearEncryption._warned = True
            logger.warning("messages are NOT encrypted: clear text for a local cloud only")

    def encrypt(
        self, plaintext: bytes, *, message_id: MessageId, sender: Address, recipients: Mapping[Address, str]
    ) -> dict[Address, bytes]:
        """Put the prefix before the plaintext, the same for every device."""
        return dict.fromkeys(recipients, self.PREFIX + plaintext)

    def decrypt(
        self, ciphertext: bytes, *, message_id: MessageId, sender: Address, recipient: Address
    ) -> bytes:
        """Take the prefix off."""
        if not ciphertext.startswith(self.PREFIX):
            raise DecryptionFailed("the envelope was not made by the clear encryption")
        return ciphertext[len(self.PREFIX) :]


@dataclass(frozen=True, slots=True)
class Content:
    """What travels inside a ciphertext.

    The conversation is inside too, so a server cannot move a message into another one.
    """

    logical_id: LogicalId
    text: str
    conversation: ConversationId
    sent_at: int
    kind: str = "text"

    def encode(self) -> bytes:
        """Write it as JSON."""
        body = {
            "v": CONTENT_VERSION,
            "logical_id": self.logical_id,
            "kind": self.kind,
            "text": self.text,
            "conversation": self.conversation,
            "sent_at": self.sent_at,
        }
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, plaintext: bytes, sender: Address, to: AccountId) -> Content:
        """Read it and check that it belongs to the conversation of sender and recipient.

        Raises:
            DecryptionFailed: It has another shape, a newer version, or belongs elsewhere.
        """
        try:
            body: dict[str, Any] = json.loads(plaintext)
            content = cls(
                logical_id=LogicalId(_text(body["logical_id"])),
                text=_text(body["text"]),
                conversation=ConversationId(_text(body["conversation"])),
                sent_at=int(body["sent_at"]),
                kind=_text(body["kind"]),
            )
            version = body["v"]
        except (ValueError, KeyError, TypeError) as problem:
            raise DecryptionFailed(f"the content has another shape: {problem}") from problem
        if version != CONTENT_VERSION:
            raise DecryptionFailed(f"the content has version {version}")
        if content.conversation != conversation_id(account_of(sender), to):
            raise DecryptionFailed("the content belongs to another conversation")
        return content


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text was expected")
    value.encode()
    return value
