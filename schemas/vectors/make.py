"""Makes the golden vectors: what every client and the server must compute alike, byte for byte.

Run ``python -m schemas.vectors.make`` to write the files again; the same input always gives the same
output. It imports nothing of the server and nothing of a client: a second opinion on both.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.vectors import encryption

ALICE = "0198f0a0-0000-7000-8000-00000000a11c"
BOB = "0198f0a0-0000-7000-8000-000000000b0b"
CLOUD = "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com:443"
LOCAL = "127.0.0.1:4566"
NOW = 1_764_000_000_000
FIRST_SEED = bytes(range(32))  # of the device that signs
SECOND_SEED = bytes(range(32, 64))  # of the device that is taken in
THIRD_SEED = bytes(range(64, 96))
NONCE = bytes(range(16))
WEEK_MS = 7 * 24 * 3600 * 1000


@cache
def files() -> dict[str, dict[str, Any]]:
    """Every vector file by its name."""
    return {
        "signed_bytes.json": signed_bytes(),
        "conversation.json": conversations(),
        "ids.json": ids(),
        "link_check.json": link_checks(),
        "safety_number.json": safety_numbers(),
        "encryption.json": encryption.vectors(),
        "device_chain.json": device_chain(),
        "prekeys.json": prekeys(),
    }


def render(content: dict[str, Any]) -> str:
    """A vector file as it stands on disk."""
    return json.dumps(content, indent=2) + "\n"


def signed_bytes() -> dict[str, Any]:
    """One signature or two for each purpose, with what is sent because of it."""
    signer, newcomer = _public_key(FIRST_SEED), _public_key(SECOND_SEED)
    block = f"/v1/account/blocks/{BOB}"
    body = '{"auth_key":"' + newcomer + '","name":"T\u00e9l\u00e9phone"}'
    vectors = [
        _connect("connect", CLOUD, 1, NOW + 1),
        _connect("connect, local cloud, second device", LOCAL, 2, NOW + 2),
        _http("GET without a body: the nonce is -", "GET", "/v1/account", "", "-"),
        _http("GET with a query: it is part of the path", "GET", "/v1/devices?first=1&name=a%20b", "", "-"),
        _http("PUT without a body: the digest is that of no bytes", "PUT", block, "", _b64(NONCE)),
        _http(
            "POST with a body: the digest is that of its UTF-8 bytes",
            "POST",
            "/v1/devices",
            body,
            _b64(NONCE),
        ),
        _vector(
            "register",
            "heliograph-register-v1",
            {"audience": CLOUD, "account": "-", "device": 0},
            {"handle": "alice", "auth_key": signer, "time": NOW},
        )
        | {"oidc_nonce": _b64(hashlib.sha256(_raw_public_key(FIRST_SEED)).digest())},
    ]
    return {
        "about": "Ed25519 over UTF-8 text: purpose and fields in this order, joined by one newline.",
        "vectors": vectors,
    }


def device_chain() -> dict[str, Any]:
    """A chain of all that can happen: registered, two taken in, the first and then oneself removed."""
    seeds = {1: FIRST_SEED, 2: SECOND_SEED, 3: THIRD_SEED}
    changes = [("add", 1, 0), ("add", 2, 1), ("add", 3, 2), ("remove", 1, 2), ("remove", 3, 3)]
    made: list[dict[str, Any]] = []
    previous = "-"
    for number, (change, device, signer) in enumerate(changes, 1):
        key = _public_key(seeds[device]) if change == "add" else "-"
        entry = {"number": number, "change": change, "device": device, "auth_key": key}
        entry |= {"signer": signer, "time": NOW + number}
        text = (
            f"heliograph-chain-v1\n{ALICE}\n{number}\n{previous}\n{change}\n{device}\n{key}\n{signer}"
            f"\n{NOW + number}"
        )
        private = Ed25519PrivateKey.from_private_bytes(seeds[signer]) if signer else None
        entry["signature"] = _b64(private.sign(text.encode())) if private else "-"
        head = _b64(hashlib.sha256(f"{text}\n{entry['signature']}".encode()).digest())
        made.append({"account": ALICE, "entry": entry, "previous": previous, "text": text, "hash": head})
        made[-1]["seed"] = seeds[signer].hex() if signer else None
        previous = head
    return {
        "about": "One chain. hash: SHA-256 over text, a newline and the signature; it is the next previous.",
        "vectors": made,
    }


def prekeys() -> dict[str, Any]:
    """A key of each signed kind as it is uploaded, and the digest of an answer. The bytes only count up."""
    curve, kem = _b64(bytes(range(32))), _b64(bytes(n % 251 for n in range(1_568)))
    vectors = []
    for number, (kind, key) in enumerate(
        (("signed", curve), ("last_resort", kem), ("one_time_kem", kem)), 2**31 - 3
    ):
        text = f"heliograph-prekey-v1\n{kind}\n{ALICE}\n2\n{number}\n{key}"
        signature = Ed25519PrivateKey.from_private_bytes(FIRST_SEED).sign(text.encode())
        vectors.append({"kind": kind, "account": ALICE, "device": 2, "id": number, "key": key})
        vectors[-1] |= {"text": text, "signature": _b64(signature)}
    text = f"heliograph-keys-v1\n{ALICE}\n2\n7\n{curve}\n12\n{kem}"
    digest = {"account": ALICE, "device": 2, "signed": 7, "signed_key": curve}
    digest |= {"last_resort": 12, "last_resort_key": kem}
    return {
        "about": "Ed25519 over UTF-8 text, as in signed_bytes.json; digest: SHA-256 over the text.",
        "seed": FIRST_SEED.hex(),
        "auth_key": _public_key(FIRST_SEED),
        "vectors": vectors,
        "digest": digest | {"text": text, "digest": _b64(hashlib.sha256(text.encode()).digest())},
    }


def conversations() -> dict[str, Any]:
    """The 1:1 conversation id from both sides."""
    pairs = [(ALICE, BOB), (BOB, ALICE), (ALICE, "0198f0b1-2c3d-7abc-9def-0123456789ab")]
    return {
        "about": "16 bytes, base64url, of SHA-256 over purpose, lower and higher account, one a line.",
        "vectors": [
            {"mine": mine, "other": other, "conversation": _conversation(mine, other)}
            for mine, other in pairs
        ],
    }


def link_checks() -> dict[str, Any]:
    """The number that both devices show after a linking."""
    newcomer = _public_key(SECOND_SEED)
    cases = [(CLOUD, ALICE, 2), (CLOUD, ALICE, 3), (CLOUD, BOB, 2), (LOCAL, ALICE, 2)]
    return {
        "about": "First 8 bytes of SHA-256 over purpose and fields, one a line, modulo 1,000,000.",
        "vectors": [
            {
                "audience": audience,
                "account": account,
                "device": device,
                "auth_key": newcomer,
                "check": _link_check(audience, account, device, newcomer),
            }
            for audience, account, device in cases
        ],
    }


def safety_numbers() -> dict[str, Any]:
    """What two owners compare, with entry 1 of both chains and all that is computed from it."""
    times = {ALICE: NOW, BOB: NOW + 1}
    pairs = [((ALICE, FIRST_SEED), (BOB, SECOND_SEED)), ((BOB, SECOND_SEED), (ALICE, FIRST_SEED))]
    pairs += [((ALICE, SECOND_SEED), (BOB, SECOND_SEED)), ((ALICE, FIRST_SEED), (BOB, bytes(32)))]
    return {
        "about": "Both entries 1; digits: 12 groups; qr: what a code holds. The lower block is first.",
        "vectors": [_safety_number(*(_side(*side, times[side[0]]) for side in pair)) for pair in pairs],
    }


def ids() -> dict[str, Any]:
    """UUIDv7 from milliseconds and 74 random bits; the whole weeks since 1970 name partitions."""
    full = (1 << 74) - 1
    cases = [
        (0, 0),
        (WEEK_MS - 1, full),
        (WEEK_MS, 0),
        (NOW, 0xABC << 62 | 0x1DEF0123456789AB),
        (NOW, full),
        (NOW + 1, 0),
        ((1 << 48) - 1, full),
    ]
    return {
        "about": "random: 74 bits in hex; 12 follow the version, the lower 62 the variant. Ids rise.",
        "vectors": [
            {"ms": ms, "random": f"{random:019x}", "id": _uuid7(ms, random), "week": ms // WEEK_MS}
            for ms, random in cases
        ],
    }


def _connect(name: str, audience: str, device: int, number: int) -> dict[str, Any]:
    vector = _vector(
        name,
        "heliograph-connect-v1",
        {"audience": audience, "account": ALICE, "device": device},
        {"connect_number": number},
    )
    return vector | {"proof": f"v1.{ALICE}.{device}.{number}.{vector['signature']}"}


def _http(name: str, method: str, path: str, body: str, nonce: str) -> dict[str, Any]:
    digest = _b64(hashlib.sha256(body.encode()).digest())
    vector = _vector(
        name,
        "heliograph-http-v1",
        {"audience": LOCAL, "account": ALICE, "device": 1},
        {"method": method, "path": path, "body_sha256": digest, "time": NOW, "nonce": nonce},
    )
    header = f"Heliograph-v1 {ALICE}:1:{NOW}:{nonce}:{vector['signature']}"
    return vector | {"body": body, "authorization": header}


def _vector(name: str, purpose: str, signer: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """The text is written out here, field by field, on purpose: it is what others are compared with."""
    named = {"purpose": purpose, **signer, **fields}
    text = "\n".join(str(value) for value in named.values())
    signature = Ed25519PrivateKey.from_private_bytes(FIRST_SEED).sign(text.encode())
    return {
        "name": name,
        "seed": FIRST_SEED.hex(),
        "auth_key": _public_key(FIRST_SEED),
        "fields": named,
        "text": text,
        "signature": _b64(signature),
    }


def _conversation(mine: str, other: str) -> str:
    lower, higher = sorted((mine, other))
    return _b64(hashlib.sha256(f"heliograph-conversation-v1\n{lower}\n{higher}".encode()).digest()[:16])


def _link_check(audience: str, account: str, device: int, auth_key: str) -> str:
    text = f"heliograph-link-check-v1\n{audience}\n{account}\n{device}\n{auth_key}"
    return f"{int(hashlib.sha256(text.encode()).hexdigest()[:16], 16) % 1_000_000:06}"


def _side(account: str, seed: bytes, time: int) -> dict[str, Any]:
    """One account: entry 1 of its chain, its hash, its block of digits and its half of the QR form."""
    key, raw_key = _public_key(seed), _raw_public_key(seed)
    text = f"heliograph-chain-v1\n{account}\n1\n-\nadd\n1\n{key}\n0\n{time}"
    entry_hash = _b64(hashlib.sha256(f"{text}\n-".encode()).digest())
    digest = f"heliograph-safety-v1\n{account}\n{entry_hash}".encode()
    for _ in range(5200):
        digest = hashlib.sha512(digest + raw_key).digest()
    block = "".join(f"{int(digest[at : at + 5].hex(), 16) % 100_000:05}" for at in (0, 5, 10, 15, 20, 25))
    said = f"heliograph-safety-qr-v1\n{account}\n{entry_hash}\n{key}"
    fingerprint = _b64(hashlib.sha256(said.encode()).digest())
    return {
        "account": account,
        "auth_key": key,
        "time": time,
        "entry_hash": entry_hash,
        "block": block,
        "fingerprint": fingerprint,
    }


def _safety_number(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    low, high = sorted((one, other), key=lambda side: side["block"])
    digits = low["block"] + high["block"]
    prints = urlsafe_b64decode(low["fingerprint"] + "=") + urlsafe_b64decode(high["fingerprint"] + "=")
    return {
        "mine": one,
        "other": other,
        "digits": " ".join(digits[at : at + 5] for at in range(0, 60, 5)),
        "qr": f"hs1.{_b64(prints)}",
    }


def _uuid7(ms: int, random: int) -> str:
    upper, lower = random >> 62, random & ((1 << 62) - 1)
    return str(UUID(int=ms << 80 | 7 << 76 | upper << 64 | 2 << 62 | lower))


def _public_key(seed: bytes) -> str:
    return _b64(_raw_public_key(seed))


def _raw_public_key(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


if __name__ == "__main__":
    for name, content in files().items():
        Path(__file__).with_name(name).write_text(render(content), encoding="utf-8")
