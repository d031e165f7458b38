"""The encryption port, and the clear encryption of the local cloud."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Protocol

from heliograph.errors import DecryptionFailed, EncryptionRefused
from heliograph.ids import Address, MessageId
from heliograph.signing import is_loopback

logger = logging.getLogger("heliograph")

MAX_CIPHERTEXT_BYTES = 8192


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
