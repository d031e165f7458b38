"""Keys of stores in the keyring of the operating system, each under a random name."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

from heliograph.errors import KeyringUnavailable
from heliograph.ids import base64url, from_base64url

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "heliograph"

RECOMMENDED = 1
"""Priority from which on `keyring` recommends a backend; those below keep no secret, or nothing at all."""


def is_there() -> bool:
    """Tell whether this machine has a keyring; one that is there may still be locked."""
    with contextlib.suppress(KeyringUnavailable):
        return bool(_backend())
    return False


def add(key: bytes) -> str:
    """Store a key and give the name under which it is found. May wait for its owner to unlock the keyring.

    Raises:
        KeyringUnavailable: There is none, or it did not take the key.
    """
    backend, name = _backend(), base64url(secrets.token_bytes(16))
    try:
        backend.set_password(SERVICE, name, base64url(key))
    except Exception as problem:  # noqa: BLE001 - each backend has errors of its own
        raise KeyringUnavailable(f"the OS keyring took no key: {type(problem).__name__}") from None
    return name


def find(name: str) -> bytes:
    """Look a key up. May wait for its owner to unlock the keyring.

    Raises:
        KeyringUnavailable: There is no keyring, it is locked, or has no such key.
    """
    backend = _backend()
    try:
        found = backend.get_password(SERVICE, name)
    except Exception as problem:  # noqa: BLE001 - each backend has errors of its own
        raise KeyringUnavailable(f"the OS keyring gave no key: {type(problem).__name__}") from None
    if found is None:
        raise KeyringUnavailable(
            "the OS keyring has no key for this store: it is another machine's or owner's, or was deleted"
        )
    return from_base64url(found)


def forget(name: str) -> None:
    """Delete a key that nobody needs any more; one that stays is of no use to anybody."""
    with contextlib.suppress(Exception):
        _backend().delete_password(SERVICE, name)


def _backend() -> KeyringBackend:
    try:
        import keyring  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise KeyringUnavailable("the package keyring is missing: pip install 'heliograph[cli]'") from None
    backend = keyring.get_keyring()
    if backend.priority < RECOMMENDED:
        raise KeyringUnavailable("this machine has no OS keyring: seal the store by a passphrase")
    return backend
