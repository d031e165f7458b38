"""Our key agreement beside the X3DH package, which knows no KEM: with an empty KEM secret they agree."""

from __future__ import annotations

import asyncio
import secrets

import pytest
import x3dh
from heliograph.crypto import pqxdh, primitives
from heliograph.crypto.envelope import Initial
from heliograph.crypto.pqxdh import Bundle, Prekeys
from heliograph.crypto.primitives import IdentityKey
from x3dh.identity_key_pair import IdentityKeyPairSeed

KEM = bytes(primitives.KEM_PUBLIC_BYTES)
IDS = {"signed_id": 1, "one_time_id": 2, "kem_kind": "last_resort", "kem_id": 3}


class State(x3dh.BaseState):
    """The package, told what it leaves open."""

    @staticmethod
    def _encode_public_key(key_format: x3dh.IdentityKeyFormat, pub: bytes) -> bytes:
        return key_format.value.encode() + pub


def other(seed: bytes, one_time: bool) -> State:
    """A device of the package."""
    state = State.create(
        x3dh.IdentityKeyFormat.ED_25519,
        x3dh.HashFunction.SHA_256,
        pqxdh.INFO,
        IdentityKeyPairSeed(seed),
    )
    state.generate_pre_keys(1 if one_time else 0)
    return state


@pytest.fixture(autouse=True)
def _no_kem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(primitives, "encapsulate", lambda _public: (b"", KEM))
    monkeypatch.setattr(primitives, "decapsulate", lambda _seed, _ciphertext: b"")


@pytest.mark.parametrize("one_time", [True, False], ids=["with one-time key", "without"])
@pytest.mark.parametrize("_number", range(25))
def test_we_begin_and_the_package_answers(one_time: bool, _number: int) -> None:
    """The package finds the secret that we agreed on with its bundle."""
    me, peer_seed = IdentityKey(secrets.token_bytes(32)), secrets.token_bytes(32)
    peer = other(peer_seed, one_time)
    offered = peer.bundle
    prekey = next(iter(offered.pre_keys), None)
    bundle = Bundle(
        identity=offered.identity_key, signed=offered.signed_pre_key, one_time=prekey, kem=KEM, **IDS
    )
    secret, initial = pqxdh.begin(me, bundle)
    header = x3dh.Header(me.public, initial.ephemeral, offered.signed_pre_key, prekey)
    found, _, _ = asyncio.run(peer.get_shared_secret_passive(header, require_pre_key=one_time))
    assert found == secret


@pytest.mark.parametrize("one_time", [True, False], ids=["with one-time key", "without"])
@pytest.mark.parametrize("_number", range(25))
def test_the_package_begins_and_we_answer(one_time: bool, _number: int) -> None:
    """We find the secret that the package agreed on with our bundle."""
    seed = secrets.token_bytes(32)
    mine = other(seed, one_time)  # for its signature: the package asks for one in its own words
    model = mine.model
    private = Prekeys(model.signed_pre_key.priv, next(iter(model.pre_keys), None), bytes(64))
    peer = other(secrets.token_bytes(32), False)
    secret, _, header = asyncio.run(peer.get_shared_secret_active(mine.bundle, require_pre_key=one_time))
    initial = Initial(identity=header.identity_key, ephemeral=header.ephemeral_key, kem_ciphertext=KEM, **IDS)
    assert pqxdh.answer(IdentityKey(seed), initial, private) == secret


def test_every_part_of_the_agreement_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another identity, signed, one-time or KEM secret gives another session secret."""
    me = IdentityKey(secrets.token_bytes(32))
    prekeys = Prekeys(primitives.new_private(), primitives.new_private(), bytes(64))
    initial = Initial(
        identity=IdentityKey(secrets.token_bytes(32)).public,
        ephemeral=primitives.public_of(primitives.new_private()),
        kem_ciphertext=KEM,
        **IDS,
    )
    found = {
        pqxdh.answer(me, initial, prekeys),
        pqxdh.answer(IdentityKey(secrets.token_bytes(32)), initial, prekeys),
        pqxdh.answer(me, initial, Prekeys(primitives.new_private(), prekeys.one_time, bytes(64))),
        pqxdh.answer(me, initial, Prekeys(prekeys.signed, primitives.new_private(), bytes(64))),
        pqxdh.answer(me, initial, Prekeys(prekeys.signed, None, bytes(64))),
    }
    monkeypatch.setattr(primitives, "decapsulate", lambda _seed, _ciphertext: b"\x01" * 32)
    assert len(found | {pqxdh.answer(me, initial, prekeys)}) == 6


def test_two_sessions_share_nothing() -> None:
    """Each agreement has an ephemeral key and a secret of its own."""
    me, peer = IdentityKey(secrets.token_bytes(32)), IdentityKey(secrets.token_bytes(32))
    signed = primitives.public_of(primitives.new_private())
    bundle = Bundle(identity=peer.public, signed=signed, one_time=None, kem=KEM, **IDS)
    (one, first), (other, second) = pqxdh.begin(me, bundle), pqxdh.begin(me, bundle)
    assert one != other
    assert first.ephemeral != second.ephemeral
