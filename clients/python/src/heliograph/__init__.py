"""Heliograph: end-to-end encrypted messaging with no servers to run. This is its Python SDK.

async with Client("alice.db", server=BASE_URL, seal=Keyring()) as me:
    await me.register("alice")
    bob = await me.conversation("bob")
    message = await bob.send("Hi Bob")
    await message.reached("delivered", timeout=30)
"""

from __future__ import annotations

from heliograph.client import Client
from heliograph.content import Content
from heliograph.encryption import Encryption
from heliograph.errors import (
    AccountReplaced,
    AlreadyRegistered,
    BadBundle,
    BadHandle,
    BadLinkCode,
    CodesExhausted,
    DecryptionFailed,
    DeviceLimit,
    DeviceRemoved,
    HandleTaken,
    HeliographError,
    IdentityUntrusted,
    InsecureServer,
    KeyringUnavailable,
    LinkedElsewhere,
    NetworkError,
    NoAnswer,
    NoServer,
    NotFound,
    NotRegistered,
    NumberNotServed,
    RateLimited,
    RecipientBlocked,
    SafetyNumberDiffers,
    SealRequired,
    SendFailed,
    StoreLocked,
    StoreUnreadable,
    TooLarge,
    Unavailable,
    VerificationFailed,
    VersionUnsupported,
    WrongPassphrase,
    WrongSeal,
)
from heliograph.events import (
    ConnectionChanged,
    DeviceListChanged,
    Event,
    IdentityChanged,
    MessageReceived,
    PeerReplaced,
    SentElsewhere,
    StatusChanged,
    StoreRolledBack,
    Undecryptable,
)
from heliograph.ids import AccountId, Address, ConversationId, Cursor, LogicalId, MessageId
from heliograph.linking import LinkOffer
from heliograph.model import CodeSent, Conversation, Device, Message
from heliograph.safety_number import SafetyNumber
from heliograph.store.seal import Keyring, Passphrase, Plain, Seal

__version__ = "0.1.0"

__all__ = [
    "AccountId",
    "AccountReplaced",
    "Address",
    "AlreadyRegistered",
    "BadBundle",
    "BadHandle",
    "BadLinkCode",
    "Client",
    "CodeSent",
    "CodesExhausted",
    "ConnectionChanged",
    "Content",
    "Conversation",
    "ConversationId",
    "Cursor",
    "DecryptionFailed",
    "Device",
    "DeviceLimit",
    "DeviceListChanged",
    "DeviceRemoved",
    "Encryption",
    "Event",
    "HandleTaken",
    "HeliographError",
    "IdentityChanged",
    "IdentityUntrusted",
    "InsecureServer",
    "Keyring",
    "KeyringUnavailable",
    "LinkOffer",
    "LinkedElsewhere",
    "LogicalId",
    "Message",
    "MessageId",
    "MessageReceived",
    "NetworkError",
    "NoAnswer",
    "NoServer",
    "NotFound",
    "NotRegistered",
    "NumberNotServed",
    "Passphrase",
    "PeerReplaced",
    "Plain",
    "RateLimited",
    "RecipientBlocked",
    "SafetyNumber",
    "SafetyNumberDiffers",
    "Seal",
    "SealRequired",
    "SendFailed",
    "SentElsewhere",
    "StatusChanged",
    "StoreLocked",
    "StoreRolledBack",
    "StoreUnreadable",
    "TooLarge",
    "Unavailable",
    "Undecryptable",
    "VerificationFailed",
    "VersionUnsupported",
    "WrongPassphrase",
    "WrongSeal",
]
