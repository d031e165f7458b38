"""What goes wrong, as exceptions: one class a reason, the server's stable codes inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

TRANSIENT = frozenset(
    {
        "UNAVAILABLE",
        "INTERNAL",
        "RATE_LIMITED",
        "CODES_EXHAUSTED",
        "NETWORK",
        "TIMEOUT",
        "REPLAYED",
        "CLOCK_SKEW",
    }
)
"""Codes after which the same request may succeed."""


SDK_CODES = frozenset(
    {
        "ALREADY_REGISTERED",
        "BAD_BUNDLE",
        "BAD_CONTENT",
        "BAD_HANDLE",
        "BAD_LINK_CODE",
        "LINKED_ELSEWHERE",
        "CLOSED",
        "INSECURE_SERVER",
        "HANDSHAKE_REFUSED",
        "IDENTITY_CHANGED",
        "KEYRING_UNAVAILABLE",
        "NETWORK",
        "NOT_REGISTERED",
        "NO_SERVER",
        "PROOF_FAILED",
        "REPLACED",
        "SAFETY_NUMBER_DIFFERS",
        "SEAL_REQUIRED",
        "SEND_FAILED",
        "STORE_LOCKED",
        "STORE_UNREADABLE",
        "TIMEOUT",
        "UNDECRYPTABLE",
        "VERSION_UNSUPPORTED",
        "WRONG_PASSPHRASE",
        "WRONG_SEAL",
    }
)
"""Codes that no server sends."""


class HeliographError(Exception):
    """Something was refused or failed.

    Attributes:
        code: Stable code: the server's, or one of this SDK's (`NETWORK`, `TIMEOUT`, `STORE_LOCKED`, ...).
        retryable: The same call may succeed later.
        retry_after: Seconds to wait first, where the server said so.
        details: What the server added.
        docs_url: Where the code is explained.
    """

    default_code = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        retry_after: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.retryable = self.code in TRANSIENT or retry_after is not None
        self.retry_after = retry_after
        self.details: Mapping[str, Any] = details or {}

    @property
    def docs_url(self) -> str:
        """Where the code is explained, relative to the project."""
        if self.code in SDK_CODES:
            return "docs/sdk.md#errors"
        return f"docs/errors.md#{self.code.lower()}"


class NetworkError(HeliographError):
    """The server could not be reached."""

    default_code = "NETWORK"


class NoAnswer(NetworkError):
    """The server did not answer in time; what was asked may have happened."""

    default_code = "TIMEOUT"


class Unavailable(HeliographError):
    """The server cannot serve right now."""

    default_code = "UNAVAILABLE"


class RateLimited(HeliographError):
    """Too much at once; `retry_after` says how long to wait."""

    default_code = "RATE_LIMITED"


class NotFound(HeliographError):
    """There is no such account, handle or device."""

    default_code = "NOT_FOUND"


class BadHandle(HeliographError):
    """The text is no handle."""

    default_code = "BAD_HANDLE"


class BadContent(HeliographError):
    """What should be said cannot be: a mention outside of its text, an edit of somebody else's message."""

    default_code = "BAD_CONTENT"


class HandleTaken(HeliographError):
    """The handle belongs to somebody else or is reserved."""

    default_code = "HANDLE_TAKEN"


class VerificationFailed(HeliographError):
    """The server wants another proof of identity.

    Attributes:
        attempts: How often a code may still be said; 0: ask for another one. None where it was no code.
    """

    default_code = "VERIFICATION_FAILED"

    @property
    def attempts(self) -> int | None:
        """How often a code may still be said."""
        left = self.details.get("attempts")
        return left if isinstance(left, int) else None


class NumberNotServed(HeliographError):
    """The server sends no codes to numbers of that country."""

    default_code = "NUMBER_NOT_SERVED"


class CodesExhausted(HeliographError):
    """The server has sent as many codes as it may today."""

    default_code = "CODES_EXHAUSTED"


class DeviceRemoved(HeliographError):
    """This device was removed from its account."""

    default_code = "DEVICE_REMOVED"


class AccountReplaced(HeliographError):
    """The handle was registered again: the account of this device is retired."""

    default_code = "ACCOUNT_REPLACED"


class DeviceLimit(HeliographError):
    """The account has as many devices as it can have."""

    default_code = "DEVICE_LIMIT"


class RecipientBlocked(HeliographError):
    """This account blocked the recipient."""

    default_code = "RECIPIENT_BLOCKED"


class TooLarge(HeliographError):
    """The text does not fit into one message."""

    default_code = "TOO_LARGE"


class VersionUnsupported(HeliographError):
    """The server does not speak protocol version 1."""

    default_code = "VERSION_UNSUPPORTED"


class StoreLocked(HeliographError):
    """Another process has the store open.

    Attributes:
        pid: Its process id, if it left one.
    """

    default_code = "STORE_LOCKED"

    def __init__(self, path: str, pid: int | None) -> None:
        holder = f"process {pid}" if pid else "another process"
        super().__init__(f"{path} is open in {holder}")
        self.pid = pid


class StoreUnreadable(HeliographError):
    """The file is not a store, or a newer SDK wrote it."""

    default_code = "STORE_UNREADABLE"


class SealRequired(HeliographError):
    """A store needs to be told how it is sealed.

    Attributes:
        kind: `passphrase`: give it. None: the store is new and nobody said how to seal it.
    """

    default_code = "SEAL_REQUIRED"

    def __init__(self, kind: Literal["passphrase"] | None) -> None:
        new = "a new store wants a seal: pass seal=Passphrase(...), Keyring() or Plain()"
        known = "the store is sealed by a passphrase: pass seal=Passphrase(...)"
        super().__init__(known if kind else new)
        self.kind = kind


class WrongPassphrase(HeliographError):
    """The store is sealed by another passphrase."""

    default_code = "WRONG_PASSPHRASE"


class WrongSeal(HeliographError):
    """The store is sealed in another way, or cannot be sealed in that one."""

    default_code = "WRONG_SEAL"


class KeyringUnavailable(HeliographError):
    """This machine has no keyring, it is locked, or has no key for the store."""

    default_code = "KEYRING_UNAVAILABLE"


class NotRegistered(HeliographError):
    """The profile has no account yet."""

    default_code = "NOT_REGISTERED"


class AlreadyRegistered(HeliographError):
    """The profile has an account already."""

    default_code = "ALREADY_REGISTERED"


class NoServer(HeliographError):
    """Neither the call nor the profile names a server."""

    default_code = "NO_SERVER"


class InsecureServer(HeliographError):
    """Another machine is only spoken to by https and wss."""

    default_code = "INSECURE_SERVER"


class BadLinkCode(HeliographError):
    """The text is not the code of a new device."""

    default_code = "BAD_LINK_CODE"


class LinkedElsewhere(HeliographError):
    """The new device was linked to another account than its owner's: somebody else saw its code."""

    default_code = "LINKED_ELSEWHERE"


class IdentityUntrusted(HeliographError):
    """The server shows another identity of an account than the one that is pinned here.

    `details["account"]` is the account, which may be the own one. Nothing is sent to it until it is trusted.
    """

    default_code = "IDENTITY_CHANGED"


class SafetyNumberDiffers(HeliographError):
    """What was scanned is not the safety number that this device computes: somebody may be in between."""

    default_code = "SAFETY_NUMBER_DIFFERS"


class SendFailed(HeliographError):
    """A message failed for good; `code` says why."""

    default_code = "SEND_FAILED"


class DecryptionFailed(HeliographError):
    """A ciphertext could not be read."""

    default_code = "UNDECRYPTABLE"


class BadBundle(HeliographError):
    """The server gave keys of a device which that device did not sign: nothing is sealed to them."""

    default_code = "BAD_BUNDLE"


_BY_CODE: dict[str, type[HeliographError]] = {
    kind.default_code: kind
    for kind in (
        Unavailable,
        RateLimited,
        NotFound,
        HandleTaken,
        VerificationFailed,
        NumberNotServed,
        CodesExhausted,
        DeviceRemoved,
        AccountReplaced,
        DeviceLimit,
        RecipientBlocked,
        TooLarge,
    )
}


def from_wire(error: Mapping[str, Any]) -> HeliographError:
    """Turn an `error` object of a frame or an HTTPS answer into its exception."""
    code = str(error.get("code", "INTERNAL"))
    kind = _BY_CODE.get(code, HeliographError)
    return kind(
        str(error.get("message", code)),
        code=code,
        retry_after=error.get("retry_after"),
        details=error.get("details"),
    )
