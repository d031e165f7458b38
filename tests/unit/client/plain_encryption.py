"""An encryption that hides nothing: for tests of the SDK that are about something else."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from heliograph import DecryptionFailed
from heliograph.ids import Address, MessageId


class PlainEncryption:
    """A prefix before the plaintext, the same for every device; envelopes without it are refused."""

    PREFIX = b"PLAIN1"
    max_plaintext_bytes = 8192 - len(PREFIX)
    needs_keys = False

    def encrypt(
        self,
        connection: sqlite3.Connection,
        plaintext: bytes,
        *,
        message_id: MessageId,
        sender: Address,
        recipients: Mapping[Address, str],
    ) -> dict[Address, bytes]:
        """Put the prefix on."""
        return dict.fromkeys(recipients, self.PREFIX + plaintext)

    def decrypt(
        self,
        connection: sqlite3.Connection,
        ciphertext: bytes,
        *,
        message_id: MessageId,
        sender: Address,
        recipient: Address,
    ) -> bytes:
        """Take the prefix off."""
        if not ciphertext.startswith(self.PREFIX):
            raise DecryptionFailed("the envelope was made by another encryption")
        return ciphertext[len(self.PREFIX) :]
