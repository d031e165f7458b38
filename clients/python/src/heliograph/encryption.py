"""The encryption port."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from typing import Protocol

from heliograph.ids import AccountId, Address, MessageId


class SessionsMissing(Exception):
    """Nothing is encrypted: the key routes must be asked for bundles of these devices first."""

    def __init__(self, devices: Collection[Address]) -> None:
        super().__init__(f"{len(devices)} sessions are missing")
        self.devices = devices


class SendersUnknown(Exception):
    """Nothing is decrypted: the device lists of these accounts must be read first."""

    def __init__(self, accounts: Collection[AccountId]) -> None:
        super().__init__(f"{len(accounts)} senders are unknown")
        self.accounts = accounts


class Encryption(Protocol):
    """What turns content into one ciphertext a device, and back.

    `encrypt` and `decrypt` run on the store's thread, inside the transaction that stores their result:
    what they change in the store becomes durable together with it, or not at all.
    """

    max_plaintext_bytes: int
    """Largest plaintext whose ciphertexts stay within 8,192 bytes."""

    needs_keys: bool
    """It wants prekeys of this device at the server."""

    def encrypt(
        self,
        connection: sqlite3.Connection,
        plaintext: bytes,
        *,
        message_id: MessageId,
        sender: Address,
        recipients: Mapping[Address, str],
    ) -> dict[Address, bytes]:
        """Encrypt for devices (address -> identity key, base64url); binds the message's name to each result.

        Raises:
            SessionsMissing: There is no session with some of them, and no bundle to begin one with.
        """

    def decrypt(
        self,
        connection: sqlite3.Connection,
        ciphertext: bytes,
        *,
        message_id: MessageId,
        sender: Address,
        recipient: Address,
    ) -> bytes:
        """Decrypt what `sender` encrypted for `recipient`.

        Raises:
            SendersUnknown: The sender's identity key is not known here.
            DecryptionFailed: It is not for this device, was changed, or comes from another session.
        """
