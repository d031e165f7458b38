"""The golden vectors of the encryption, by another implementation: we give and take the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from doubleratchet import Header
from doubleratchet.recommended.diffie_hellman_ratchet_curve25519 import DiffieHellmanRatchet
from heliograph.crypto import envelope, padding, pqxdh, primitives, ratchet
from heliograph.crypto.pqxdh import Bundle, Prekeys
from heliograph.crypto.primitives import IdentityKey
from heliograph.crypto.ratchet import Named, Session, Undecryptable
from heliograph.ids import base64url, from_base64url

from schemas.vectors.second import ml_kem

Vector = dict[str, Any]
FILE: dict[str, list[Vector]] = json.loads(
    (Path(__file__).parents[4] / "schemas" / "vectors" / "encryption.json").read_text("utf-8")
)
AGREEMENTS = {one["name"]: one for one in FILE["key_agreements"]}


def h(text: str) -> bytes:
    """Hex."""
    return bytes.fromhex(text)


def named(vectors: list[Vector]) -> dict[str, Any]:
    """Arguments of parametrize: one test a vector, under its name."""
    return {"argvalues": vectors, "ids": [f"{one['name']} {one.get('agreement', '')}" for one in vectors]}


def bundle(agreement: Vector) -> Bundle:
    """What the initiator had claimed."""
    peer = agreement["recipient"]
    one_time = peer["one_time"]
    return Bundle(
        IdentityKey(h(peer["seed"])).public,
        peer["signed"]["id"],
        h(peer["signed"]["public"]),
        one_time["id"] if one_time else 0,
        h(one_time["public"]) if one_time else None,
        peer["kem"]["kind"],
        peer["kem"]["id"],
        h(peer["kem"]["public"]),
    )


def prekeys(agreement: Vector) -> Prekeys:
    """What the recipient has."""
    peer = agreement["recipient"]
    one_time = peer["one_time"]
    return Prekeys(
        h(peer["signed"]["private"]), h(one_time["private"]) if one_time else None, h(peer["kem"]["seed"])
    )


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Iterator[bytes]]]:
    """Nothing is random: keys come from here, encapsulations from their 32 bytes."""
    source: dict[str, Iterator[bytes]] = {}
    monkeypatch.setattr(primitives, "new_private", lambda: next(source["ephemeral"]))
    monkeypatch.setattr(DiffieHellmanRatchet, "_generate_priv", staticmethod(lambda: next(source["ratchet"])))
    monkeypatch.setattr(
        primitives, "encapsulate", lambda public: ml_kem.encapsulate(public, next(source["kem"]))
    )
    return source


@pytest.mark.parametrize("vector", FILE["identity_keys"], ids=lambda vector: vector["seed"][:8])
def test_identity_keys(vector: Vector) -> None:
    """An auth key is an identity key, and agrees under its X25519 form."""
    key, peer = IdentityKey(h(vector["seed"])), primitives.new_private()
    assert key.public == h(vector["ed25519"])
    assert primitives.agreement_key(key.public) == h(vector["x25519"])
    assert primitives.public_of(h(vector["x25519_private"])) == h(vector["x25519"])
    assert key.agree(primitives.public_of(peer)) == primitives.agree(peer, h(vector["x25519"]))


@pytest.mark.parametrize("vector", FILE["prekey_signatures"], ids=lambda vector: vector["kind"])
def test_prekey_signatures(vector: Vector) -> None:
    """Each kind signs its own lines; the signature fits no other kind, id, device or account."""
    fields = [vector[name] for name in ("kind", "account", "device", "id", "key")]
    statement = pqxdh.prekey_bytes(*fields)
    assert statement == vector["text"].encode()
    key, signature = IdentityKey(h(vector["seed"])), from_base64url(vector["signature"])
    assert key.sign(statement) == signature
    for at, value in enumerate(("one_time", "0198f0a0-0000-7000-8000-00000000a11c", 9, 9, "AAAA")):
        with pytest.raises(primitives.BadKey):
            primitives.verify(
                key.public, signature, pqxdh.prekey_bytes(*fields[:at], value, *fields[at + 1 :])
            )


@pytest.mark.parametrize("vector", **named(FILE["key_agreements"]))
def test_key_agreements(vector: Vector, given: dict[str, Iterator[bytes]]) -> None:
    """Both sides find the secret; the initiator's prefix is the golden one."""
    given |= {"ephemeral": iter([h(vector["ephemeral"])]), "kem": iter([h(vector["kem_randomness"])])}
    secret, initial = pqxdh.begin(IdentityKey(h(vector["initiator"]["seed"])), bundle(vector))
    assert (secret, initial.encode()) == (h(vector["secret"]), h(vector["prefix"]))
    assert primitives.derive(h(vector["hkdf_input"]), pqxdh.INFO, 32) == secret
    me = IdentityKey(h(vector["recipient"]["seed"]))
    assert pqxdh.answer(me, initial, prekeys(vector)) == secret


@pytest.mark.parametrize("vector", **named(FILE["key_agreements"]))
def test_the_first_step_of_the_ratchet(vector: Vector) -> None:
    """The secret and one agreement give the next root key and a chain; the chain gives a message key."""
    step = {name: h(value) for name, value in vector["first_step"].items()}
    output = primitives.agree(step["ratchet_private"], h(vector["recipient"]["signed"]["public"]))
    assert output == step["dh_output"]
    derived = ratchet._run(ratchet._RootKdf.derive(h(vector["secret"]), output, 64))
    assert derived == step["root_key"] + step["chain_key"]
    stepped = ratchet._run(ratchet._ChainKdf.derive(step["chain_key"], b"\x02\x01", 64))
    assert stepped[32:] == step["message_key"]


@pytest.mark.parametrize("vector", FILE["padding"], ids=lambda vector: str(len(vector["content"]) // 2))
def test_padding(vector: Vector) -> None:
    """Contents and padded plaintexts are one to one."""
    assert padding.pad(h(vector["content"])) == h(vector["padded"])
    assert padding.unpad(h(vector["padded"])) == h(vector["content"])


@pytest.mark.parametrize("vector", **named(FILE["refused_padding"]))
def test_refused_padding(vector: Vector) -> None:
    """What nobody pads like that is refused."""
    with pytest.raises(ValueError, match="padding"):
        padding.unpad(h(vector["padded"]))


@pytest.mark.parametrize("vector", FILE["messages"], ids=lambda vector: str(len(vector["prefix"]) // 2))
def test_message_keys_and_associated_data(vector: Vector) -> None:
    """Names, prefix and header give the associated data; it and the message key give all keys."""
    header = h(vector["header"])
    parts = Header(header[:32], int.from_bytes(header[32:36], "big"), int.from_bytes(header[36:], "big"))
    assert envelope.encode_header(parts) == header
    found = Named(*vector["names"]).associated(h(vector["prefix"])) + header
    assert found == h(vector["associated_data"])
    aead = ratchet._MessageAead
    sealed = ratchet._run(aead.encrypt(h(vector["padded"]), h(vector["message_key"]), found))
    assert sealed == h(vector["sealed"])
    assert ratchet._run(aead.decrypt(sealed, h(vector["message_key"]), found)) == h(vector["padded"])


@pytest.mark.parametrize("who", ["alice", "bob"])
@pytest.mark.parametrize("vector", FILE["sessions"], ids=lambda vector: vector["name"])
def test_sessions(vector: Vector, who: str, given: dict[str, Iterator[bytes]]) -> None:
    """As either side we send the golden envelopes, open those of the other, and nothing twice."""
    agreement = AGREEMENTS[vector["agreement"]]
    given |= {
        "ephemeral": iter([h(agreement["ephemeral"])]),
        "kem": iter([h(agreement["kem_randomness"])]),
        "ratchet": chain(
            map(h, vector["ratchet_keys"][who]), repeat(bytes(32))
        ),  # a refused one may draw, too
    }
    me = IdentityKey(h(agreement["initiator" if who == "alice" else "recipient"]["seed"]))
    session: Session | None = None
    sent = {step["send"]: step for step in vector["steps"] if "send" in step}
    for step in vector["steps"]:
        if step["by"] != who:
            continue
        message = sent[next(step[kind] for kind in ("send", "receive", "refuse") if kind in step)]
        content, name = message["content"].encode(), Named(*message["names"])
        if "send" in step:
            if session is None:
                session, sealed = Session.begin(me, bundle(agreement), content, name)
            else:
                sealed = session.encrypt(content, name)
            assert sealed == h(message["envelope"])
            continue
        found = envelope.decode(h(message["envelope"]))
        if session is None:
            assert found.initial is not None
            session, opened = Session.answer(me, found, found.initial, prekeys(agreement), name)
            assert opened == content
        elif "receive" in step:
            assert session.decrypt(found, name) == content
        else:
            with pytest.raises(Undecryptable):
                session.decrypt(found, name)
        session = Session.load(session.state())


@pytest.mark.parametrize("vector", **named(FILE["refused_envelopes"]))
def test_refused_envelopes(vector: Vector) -> None:
    """What is no envelope is refused by its bytes alone."""
    with pytest.raises(envelope.BadEnvelope):
        envelope.decode(h(vector["envelope"]))


def test_an_unkeyed_envelope() -> None:
    """Two bytes say that the sender had no keys of this device."""
    found = envelope.decode(b"\x01\x03")
    assert (found.message, found.initial, envelope.NOT_KEYED) == (None, None, b"\x01\x03")


@pytest.mark.parametrize("vector", **named(FILE["first_messages"]))
def test_first_messages(vector: Vector) -> None:
    """A first message opens as it was sent and under the names that it was sent with; otherwise never."""
    agreement = AGREEMENTS[vector["agreement"]]
    me = IdentityKey(h(agreement["recipient"]["seed"]))
    found = envelope.decode(sealed(vector))
    assert found.initial is not None
    arguments = (me, found, found.initial, prekeys(agreement), Named(*vector["names"]))
    if vector["opens"]:
        session, content = Session.answer(*arguments)
        assert content == b'{"v":1}'
        assert session.prefix == b""
    else:
        with pytest.raises(Undecryptable):
            Session.answer(*arguments)


def sealed(vector: Vector) -> bytes:
    """The envelope of a first message: whole, or the one of its agreement with bytes replaced."""
    if "envelope" in vector:
        return h(vector["envelope"])
    first = next(
        h(one["envelope"])
        for one in FILE["first_messages"]
        if one["agreement"] == vector["agreement"] and one["name"] == "as it was sent"
    )
    replacement = h(vector["bytes"])
    return first[: vector["at"]] + replacement + first[vector["at"] + len(replacement) :]


def test_a_bundle_of_another_device_begins_no_session() -> None:
    """The identity key of a bundle is that of the device which the message names."""
    agreement = AGREEMENTS["with one-time keys"]
    offered = bundle(agreement)
    me = IdentityKey(h(agreement["initiator"]["seed"]))
    other = base64url(Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    with pytest.raises(primitives.BadKey):
        Session.begin(me, offered, b"{}", Named("m", "a:1", base64url(me.public), "b:1", other))
