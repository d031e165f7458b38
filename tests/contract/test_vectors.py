"""The golden vectors: reproducible, and true by a way of their own."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from schemas import frames
from schemas.vectors import make

FOLDER = Path(make.__file__).parent


def vectors(file: str) -> list[dict[str, Any]]:
    """The vectors of a file as they stand on disk."""
    found: list[dict[str, Any]] = json.loads((FOLDER / file).read_text("utf-8"))["vectors"]
    return found


def raw(text: str) -> bytes:
    """base64url without padding, read."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize("file", sorted(make.files()))
def test_the_script_makes_the_files(file: str) -> None:
    """The files on disk are what ``python -m schemas.vectors.make`` writes."""
    assert (FOLDER / file).read_text("utf-8") == make.render(make.files()[file])


def test_no_file_is_left_over() -> None:
    """Every vector file comes from the script."""
    assert {path.name for path in FOLDER.glob("*.json")} == set(make.files())


@pytest.mark.parametrize("vector", vectors("signed_bytes.json"), ids=lambda vector: vector["name"])
def test_signatures_verify(vector: dict[str, Any]) -> None:
    """The text is its fields line by line; the signature fits it and nothing that differs by one line."""
    assert vector["text"].split("\n") == [str(value) for value in vector["fields"].values()]
    key = Ed25519PublicKey.from_public_bytes(raw(vector["auth_key"]))
    key.verify(raw(vector["signature"]), vector["text"].encode())
    with pytest.raises(InvalidSignature):
        key.verify(raw(vector["signature"]), (vector["text"] + "\n").encode())


def test_prekeys_are_signed_line_by_line() -> None:
    """Purpose, kind, account, device, id and key; the digest is that of both keys that stay."""
    file = json.loads((FOLDER / "prekeys.json").read_text("utf-8"))
    signer = Ed25519PublicKey.from_public_bytes(raw(file["auth_key"]))
    for vector in file["vectors"]:
        fields = [str(vector[name]) for name in ("kind", "account", "device", "id", "key")]
        assert vector["text"].split("\n") == ["heliograph-prekey-v1", *fields]
        signer.verify(raw(vector["signature"]), vector["text"].encode())
    held = file["digest"]
    names = ("account", "device", "signed", "signed_key", "last_resort", "last_resort_key")
    assert held["text"].split("\n") == ["heliograph-keys-v1", *(str(held[name]) for name in names)]
    assert raw(held["digest"]) == hashlib.sha256(held["text"].encode()).digest()
    assert {vector["kind"] for vector in file["vectors"]} == {"signed", "last_resort", "one_time_kem"}


@pytest.mark.parametrize("vector", vectors("link_check.json"), ids=lambda vector: vector["check"])
def test_link_checks_are_six_digits_of_a_digest(vector: dict[str, Any]) -> None:
    """They differ by anything that differs."""
    said = [vector[name] for name in ("audience", "account", "device", "auth_key")]
    digest = hashlib.sha256("\n".join(["heliograph-link-check-v1", *map(str, said)]).encode()).digest()
    assert f"{int.from_bytes(digest[:8], 'big') % 10**6:06}" == vector["check"]
    assert len({v["check"] for v in vectors("link_check.json")}) == len(vectors("link_check.json"))


@pytest.mark.parametrize("vector", vectors("safety_number.json"), ids=lambda vector: vector["digits"][:5])
def test_safety_numbers_are_digests_of_both_first_entries(vector: dict[str, Any]) -> None:
    """Recomputed from the rule: entry hash, 5,200 rounds, five bytes a group, the lower block first."""
    halves = []
    for side in (vector["mine"], vector["other"]):
        fields = [side["account"], "1", "-", "add", "1", side["auth_key"], "0", str(side["time"])]
        entry = hashlib.sha256("\n".join(["heliograph-chain-v1", *fields, "-"]).encode()).digest()
        assert raw(side["entry_hash"]) == entry
        value = "\n".join(["heliograph-safety-v1", side["account"], side["entry_hash"]]).encode()
        rounds = 0
        while rounds < 5200:
            value, rounds = hashlib.sha512(value + raw(side["auth_key"])).digest(), rounds + 1
        numbers = [
            sum(byte << 8 * (4 - at) for at, byte in enumerate(value[n : n + 5])) for n in range(0, 30, 5)
        ]
        said = ["heliograph-safety-qr-v1", side["account"], side["entry_hash"], side["auth_key"]]
        halves.append(
            (
                [f"{number % 10**5:05d}" for number in numbers],
                hashlib.sha256("\n".join(said).encode()).digest(),
            )
        )
    (low, low_print), (high, high_print) = sorted(halves, key=lambda half: "".join(half[0]))
    assert vector["digits"].split(" ") == low + high
    assert raw(vector["qr"].removeprefix("hs1.")) == low_print + high_print


def test_safety_numbers_do_not_depend_on_the_side() -> None:
    """Both owners read the same; another key or account gives another number."""
    found = vectors("safety_number.json")
    assert (found[0]["digits"], found[0]["qr"]) == (found[1]["digits"], found[1]["qr"])
    assert len({v["digits"] for v in found}) == len({v["qr"] for v in found}) == len(found) - 1


def test_the_chain_hangs_together() -> None:
    """Each entry names the hash of the one before, and is signed by a device that was live then."""
    live: dict[int, Ed25519PublicKey] = {}
    previous = "-"
    for number, vector in enumerate(vectors("device_chain.json"), 1):
        entry, text = vector["entry"], vector["text"]
        said = [entry[name] for name in ("change", "device", "auth_key", "signer", "time")]
        lines = ["heliograph-chain-v1", vector["account"], number, previous, *said]
        assert text.split("\n") == [str(line) for line in lines]
        if number == 1:
            assert (entry["signer"], entry["signature"]) == (0, "-")
        else:
            live[entry["signer"]].verify(raw(entry["signature"]), text.encode())
        previous = vector["hash"]
        assert raw(previous) == hashlib.sha256(f"{text}\n{entry['signature']}".encode()).digest()
        if entry["change"] == "add":
            live[entry["device"]] = Ed25519PublicKey.from_public_bytes(raw(entry["auth_key"]))
        else:
            del live[entry["device"]]


def test_every_purpose_has_a_vector() -> None:
    """Each purpose that docs/protocol.md names is there, and no other."""
    purposes = {vector["fields"]["purpose"] for vector in vectors("signed_bytes.json")}
    assert purposes == {f"heliograph-{name}-v1" for name in ("connect", "http", "register")}


def test_http_vectors_carry_their_body_and_header() -> None:
    """The digest is that of the body; the header repeats what was signed; only a GET goes without a nonce."""
    for vector in vectors("signed_bytes.json"):
        fields = vector["fields"]
        if fields["purpose"] != "heliograph-http-v1":
            continue
        assert raw(fields["body_sha256"]) == hashlib.sha256(vector["body"].encode()).digest()
        scheme, _, rest = vector["authorization"].partition(" ")
        assert scheme == "Heliograph-v1"
        assert rest.split(":") == [
            *(str(fields[name]) for name in ("account", "device", "time", "nonce")),
            vector["signature"],
        ]
        assert (fields["nonce"] == "-") == (fields["method"] == "GET")


def test_conversations_do_not_depend_on_the_side() -> None:
    """Both accounts compute the same 22 characters; another pair gets others."""
    first, swapped, different = vectors("conversation.json")
    assert (first["mine"], first["other"]) == (swapped["other"], swapped["mine"])
    assert first["conversation"] == swapped["conversation"] != different["conversation"]
    assert len(first["conversation"]) == 22


def test_ids_are_uuid7_and_rise() -> None:
    """Milliseconds and random bits can be read back; text order is time order; weeks begin on time."""
    found = vectors("ids.json")
    for vector in found:
        value = UUID(vector["id"])
        assert str(value) == vector["id"]
        assert value.version == 7
        assert value.int >> 80 == vector["ms"]
        assert vector["week"] == vector["ms"] // 604_800_000
        bits = (value.int >> 64 & 0xFFF) << 62 | value.int & (2**62 - 1)
        assert bits == int(vector["random"], 16)
    assert [vector["id"] for vector in found] == sorted(vector["id"] for vector in found)
    assert [vector["week"] for vector in found[:3]] == [0, 0, 1]


def test_examples_use_real_conversations() -> None:
    """A reader may recompute the conversation in the example of ``ack``."""
    known = {
        (vector["mine"], vector["other"]): vector["conversation"] for vector in vectors("conversation.json")
    }
    (conversation, [[_, sender]]) = next(iter(frames.load("ack")["examples"][0]["ack"]["read"].items()))
    assert known[make.BOB, sender.partition(":")[0]] == conversation
