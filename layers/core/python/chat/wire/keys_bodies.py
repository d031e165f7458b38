"""Bodies of ``/v1/keys``: text to prekeys, prekeys to JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from chat.domain import base64url
from chat.domain.ids import AccountId, DeviceId
from chat.domain.prekeys import CURRENT, Bundle, Held, Kind, Prekey
from chat.usecases.keys import Claimed
from chat.wire import request_body

KEYS_BYTES = 96 * 1024
"""The largest upload: a hundred one-time keys and twenty of 1,568 bytes take 60 KB."""


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """Whose keys are wanted."""

    account: AccountId
    devices: tuple[DeviceId, ...]


def parse_keys(body: bytes) -> dict[Kind, tuple[Prekey, ...]]:
    """The body of ``PUT /v1/keys``, by kind. Raises ChatError BAD_REQUEST or TOO_LARGE."""
    raw = request_body.checked(body, "keys_request", KEYS_BYTES)
    said = {kind: [raw[kind]] if kind in CURRENT else raw[kind] for kind in Kind if kind in raw}
    return {kind: tuple(_prekey(key) for key in keys) for kind, keys in said.items()}


def parse_claim(body: bytes) -> ClaimRequest:
    """The body of ``POST /v1/keys/claim``. Raises ChatError BAD_REQUEST or TOO_LARGE."""
    raw = request_body.checked(body, "claim_request")
    return ClaimRequest(AccountId(raw["account"]), tuple(DeviceId(int(number)) for number in raw["devices"]))


def keys_answer(held: Held) -> dict[str, Any]:
    """Answer of ``GET`` and ``PUT /v1/keys``."""
    answer: dict[str, Any] = asdict(held.left)
    if held.signed is not None:
        answer["signed"] = held.signed
    if held.last_resort is not None:
        answer["last_resort"] = held.last_resort
    if held.digest is not None:
        answer["digest"] = base64url.encode(held.digest)
    return answer


def claim_answer(claimed: Claimed) -> dict[str, Any]:
    """Answer of ``POST /v1/keys/claim``."""
    return {
        "account": claimed.account.account,
        "version": claimed.account.version,
        "bundles": [_bundle(bundle) for bundle in claimed.bundles],
    }


def _bundle(bundle: Bundle) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "device": bundle.device,
        "auth_key": base64url.encode(bundle.auth_key),
        "signed": _public(bundle.signed),
        "kem": {"kind": bundle.kem_kind.value, **_public(bundle.kem)},
    }
    return answer if bundle.one_time is None else {**answer, "one_time": _public(bundle.one_time)}


def _public(key: Prekey) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": key.id, "key": base64url.encode(key.key)}
    return {**shown, "signature": base64url.encode(key.signature)} if key.signature else shown


def _prekey(raw: dict[str, Any]) -> Prekey:
    signature = request_body.raw_bytes(raw.get("signature", ""))
    return Prekey(int(raw["id"]), request_body.raw_bytes(raw["key"]), signature)
