"""Golden vectors of the encryption, by the second implementation: what is random elsewhere is written down.

Bytes are lower-case hex; what is base64url on the wire (keys and signatures in JSON and lines) is that here.
"""

from __future__ import annotations

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.vectors.parties import (
    ALICE,
    ALICE_IDENTITY,
    BOB,
    BOB_IDENTITY,
    MALLORY,
    WITH,
    WITHOUT,
    Agreed,
    Json,
    b64,
    given,
)
from schemas.vectors.second import agreement, double_ratchet
from schemas.vectors.second.agreement import Identity
from schemas.vectors.second.double_ratchet import State
from schemas.vectors.talks import shuffled, talk, turns


def vectors() -> Json:
    """The whole file."""
    return {
        "about": "The encryption, docs/encryption.md. Bytes are hex, and what is random is given.",
        "identity_keys": [_identity(one) for one in (ALICE_IDENTITY, BOB_IDENTITY, MALLORY)],
        "prekey_signatures": list(_prekey_signatures()),
        "key_agreements": [_key_agreement(one) for one in (WITH, WITHOUT)],
        "padding": [_padded(content) for content in _contents()],
        "refused_padding": [{"name": name, "padded": data.hex()} for name, data in _bad_padding()],
        "messages": [_message(WITH, b""), _message(WITHOUT, WITHOUT.begin()[1])],
        "sessions": [talk(WITH), talk(WITHOUT), shuffled(WITH), turns(WITHOUT)],
        "refused_envelopes": [{"name": name, "envelope": data.hex()} for name, data in _bad_envelopes()],
        "first_messages": list(_first_messages()),
    }


def _identity(one: Identity) -> Json:
    x25519 = agreement.montgomery(one.public)
    if agreement.x25519_public(one.x25519_private) != x25519:
        raise AssertionError("the two ways to the X25519 key differ")
    return {
        "seed": one.seed.hex(),
        "ed25519": one.public.hex(),
        "x25519_private": one.x25519_private.hex(),
        "x25519": x25519.hex(),
    }


def _prekey_signatures() -> Iterator[Json]:
    account, _, device = BOB.partition(":")
    for kind, number, key in (
        ("signed", WITH.keys.signed_id, agreement.x25519_public(WITH.keys.signed)),
        ("last_resort", WITHOUT.keys.kem_id, WITHOUT.keys.kem_public),
        ("one_time_kem", WITH.keys.kem_id, WITH.keys.kem_public),
    ):
        text = "\n".join(["heliograph-prekey-v1", kind, account, device, str(number), b64(key)])
        signature = Ed25519PrivateKey.from_private_bytes(BOB_IDENTITY.seed).sign(text.encode())
        named = {"kind": kind, "account": account, "device": int(device), "id": number, "key": b64(key)}
        yield {"seed": BOB_IDENTITY.seed.hex(), **named, "text": text, "signature": b64(signature)}


def _key_agreement(one: Agreed) -> Json:
    secret, prefix, taken = one.begin()
    keys = one.keys
    kem_kind = "one_time_kem" if keys.kem_kind == agreement.ONE_TIME_KEM else "last_resort"
    return {
        "name": one.name,
        "initiator": {"seed": one.initiator.seed.hex(), "address": one.sender},
        "ephemeral": one.ephemeral.hex(),
        "kem_randomness": one.m.hex(),
        "recipient": {
            "seed": BOB_IDENTITY.seed.hex(),
            "address": BOB,
            "signed": _pair(keys.signed_id, keys.signed),
            "one_time": None if keys.one_time is None else _pair(keys.one_time_id, keys.one_time),
            "kem": {
                "kind": kem_kind,
                "id": keys.kem_id,
                "seed": keys.kem_seed.hex(),
                "public": keys.kem_public.hex(),
            },
        },
        "prefix": prefix.hex(),
        "hkdf_input": taken.hex(),
        "secret": secret.hex(),
        "first_step": _first_step(one, secret),
    }


def _first_step(one: Agreed, secret: bytes) -> Json:
    """From the secret to the first message key, by the ratchet key of the message in ``first_messages``."""
    private = given(f"{one.name}: ratchet key")
    output = agreement.x25519(private, agreement.x25519_public(one.keys.signed))
    root, chain = double_ratchet.kdf_rk(secret, output)
    _, message_key = double_ratchet.kdf_ck(chain)
    return {
        "ratchet_private": private.hex(),
        "dh_output": output.hex(),
        "root_key": root.hex(),
        "chain_key": chain.hex(),
        "message_key": message_key.hex(),
    }


def _pair(number: int, private: bytes) -> Json:
    return {"id": number, "private": private.hex(), "public": agreement.x25519_public(private).hex()}


def _contents() -> Iterator[bytes]:
    yield from (bytes([65 + i % 26 for i in range(size)]) for size in (0, 1, 319, 320, 479, 480, 6399))
    yield b"ends like a padding\x80\x00\x00"


def _padded(content: bytes) -> Json:
    return {"content": content.hex(), "padded": double_ratchet.pad(content).hex()}


def _bad_padding() -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    yield "zeros alone", bytes(320)
    yield "shorter than 320", double_ratchet.pad(b"a")[:160]
    yield "a step too long", double_ratchet.pad(b"a") + bytes(160)
    yield "not a whole step", double_ratchet.pad(b"a") + bytes(16)
    yield "another byte behind the end", double_ratchet.pad(b"a")[:-1] + b"\x01"
    yield "no end", b"a" * 320


def _message(one: Agreed, prefix: bytes) -> Json:
    """Names to keys to bytes: one call of the AEAD, taken apart."""
    names, header, key = one.names(1), given("ratchet key") + bytes([0, 0, 0, 2, 0, 0, 0, 5]), given("mk")
    associated = double_ratchet.associated(names, prefix) + header
    keys = double_ratchet.message_keys(key, associated)
    padded = double_ratchet.pad('{"v":1,"text":"Grüße"}'.encode())
    return {
        "names": names,
        "prefix": prefix.hex(),
        "header": header.hex(),
        "associated_data": associated.hex(),
        "message_key": key.hex(),
        "aes_key": keys[:32].hex(),
        "hmac_key": keys[32:64].hex(),
        "iv": keys[64:].hex(),
        "padded": padded.hex(),
        "sealed": double_ratchet.seal(key, padded, associated).hex(),
    }


def _first(agreed: Agreed, text: str = '{"v":1}', ahead: int = 0) -> tuple[list[str], bytes]:
    """Names and envelope of the message after so many of a session that Alice began."""
    secret, prefix, _ = agreed.begin()
    state = State.alice(
        secret, agreement.x25519_public(agreed.keys.signed), lambda: given(f"{agreed.name}: ratchet key")
    )
    for _ in range(ahead):
        state.cks = double_ratchet.kdf_ck(state.cks)[0]
        state.ns += 1
    names = agreed.names(1)
    associated = double_ratchet.associated(names, prefix)
    return names, prefix + state.encrypt(double_ratchet.pad(text.encode()), associated)


def _bad_envelopes() -> Iterator[tuple[str, bytes]]:
    """What is refused by its bytes alone."""
    _, first = _first(WITH)
    later = b"\x01\x02" + first[1647:]
    yield "nothing", b""
    yield "a version alone", b"\x01"
    yield "version 0", b"\x00" + first[1:]
    yield "version 2, which is reserved", b"\x02" + first[1:]
    yield "type 0", b"\x01\x00" + first[2:]
    yield "type 4", b"\x01\x04" + first[2:]
    yield "unkeyed with something behind it", b"\x01\x03\x00"
    yield "kind of KEM key 0", first[:74] + b"\x00" + first[75:]
    yield "kind of KEM key 3", first[:74] + b"\x03" + first[75:]
    yield "a prefix that ends early", first[:1646]
    yield "a prefix alone", first[:1647]
    yield "a header alone", first[:1687]
    yield "no ciphertext before the tag", later[:42] + later[-32:]
    yield "a part of a block", later[:-1]
    yield "a byte more", later + b"\x00"
    yield "longer than 8,192", later + bytes(-(-8192 // 16) * 16)


def _first_messages() -> Iterator[Json]:
    """First messages to Bob, who has no session: the few that open, and what must not.

    ``names`` are as Bob knows them: by his list of devices, never by the envelope. One with ``at`` is the
    envelope "as it was sent" of its agreement, the bytes from there on replaced by ``bytes``.
    """
    for agreed in (WITH, WITHOUT):
        names, first = _first(agreed)
        yield _whole(agreed, "as it was sent", names, first, opens=True)
        places = {"identity key": 2, "ephemeral key": 34, "signed prekey id": 69, "one-time prekey id": 73}
        places |= {"id of KEM key": 78, "KEM ciphertext": 79, "ratchet key": 1647, "pn": 1682, "n": 1686}
        for name, at in (places | {"ciphertext": 1687, "tag": len(first) - 1}).items():
            yield _changed(agreed, f"{name}: a bit changed", names, at, bytes([first[at] ^ 1]))
        yield _renamed(agreed, "under another message id", agreed.names(2))
        yield _renamed(agreed, "from another device", [names[0], ALICE[:-1] + "2", *names[2:]])
        yield _renamed(agreed, "from another key", [*names[:2], b64(MALLORY.public), *names[3:]])
        yield _renamed(agreed, "to another device", [*names[:3], BOB[:-1] + "1", names[4]])
    yield from _made_by_somebody_else()
    yield _whole(WITH, "1,000 messages skipped", *_first(WITH, ahead=1000), opens=True)
    yield _whole(WITH, "1,001 messages skipped", *_first(WITH, ahead=1001))


def _made_by_somebody_else() -> Iterator[Json]:
    """Whoever has Bob's bundle can make these: the identity key in the envelope is not that of the sender."""
    mallory = Agreed(WITH.name, WITH.keys, initiator=MALLORY)
    secret, prefix, _ = mallory.begin()
    names = WITH.names(1)
    signed = agreement.x25519_public(WITH.keys.signed)
    state = State.alice(secret, signed, lambda: given("mallory: ratchet key"))
    sealed = state.encrypt(double_ratchet.pad(b'{"v":1}'), double_ratchet.associated(names, prefix))
    yield _whole(WITH, "Mallory's identity key under Alice's name", names, prefix + sealed)
    minus_one = (agreement.P - 1).to_bytes(32, "little")
    order_8 = bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")
    for name, point in {"0": bytes(32), "1": _little(1), "-1": minus_one, "order 8": order_8}.items():
        yield _changed(WITH, f"ephemeral key of small order: {name}", names, 34, point)
        yield _changed(WITH, f"ratchet key of small order: {name}", names, 1647, point)
    for name, point in {"y = 1": _little(1), "y = -1": minus_one, "no point": _little(2)}.items():
        yield _changed(WITH, f"identity key: {name}", [*names[:2], b64(point), *names[3:]], 2, point)


def _little(number: int) -> bytes:
    return number.to_bytes(32, "little")


def _whole(agreed: Agreed, name: str, names: list[str], envelope: bytes, opens: bool = False) -> Json:
    return _vector(agreed, name, names) | {"opens": opens, "envelope": envelope.hex()}


def _changed(agreed: Agreed, name: str, names: list[str], at: int, to: bytes) -> Json:
    return _vector(agreed, name, names) | {"opens": False, "at": at, "bytes": to.hex()}


def _renamed(agreed: Agreed, name: str, names: list[str]) -> Json:
    return _changed(agreed, name, names, 0, b"")


def _vector(agreed: Agreed, name: str, names: list[str]) -> Json:
    return {"name": name, "agreement": agreed.name, "names": names}
