"""Let a device open a socket, once per signed connect number."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from chat.domain import signed_bytes
from chat.domain.ids import Address
from chat.ports.accounts import Cards
from chat.ports.connections import ConnectNumbers
from chat.ports.identity import CheckSignature
from chat.usecases.authenticate import CLOCK_SKEW


@dataclass(frozen=True, slots=True)
class ConnectProof:
    """What the connect URL carries."""

    device: Address
    number: int
    signature: bytes


def authorize(
    proof: ConnectProof,
    origin: str | None,
    *,
    audience: str,
    allowed_origins: Collection[str],
    cards: Cards,
    connect_numbers: ConnectNumbers,
    check_signature: CheckSignature,
    now: int,
) -> int | None:
    """The device's previous connect number if it may connect, else None (a handshake can say no more).

    Browsers send an Origin: it must be on the list. Other clients send none. The number is raised last, so a
    refused proof costs the device nothing; a crash after it costs one number, the next try uses a higher one.
    Raises ChatError(RATE_LIMITED) for a good proof of a device that connects too often.
    """
    if origin is not None and origin not in allowed_origins:
        return None
    if abs(proof.number - now) > CLOCK_SKEW:
        return None
    devices = cards.devices(proof.device.account)
    device = devices.find(proof.device.device) if devices else None
    if device is None:
        return None
    signed = signed_bytes.connect(audience, proof.device, proof.number)
    if not check_signature(device.auth_key, proof.signature, signed):
        return None
    return connect_numbers.raise_to(proof.device, proof.number, now)
