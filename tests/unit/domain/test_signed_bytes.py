"""The signed texts, byte for byte those of the golden vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chat.adapters.ed25519 import check_signature
from chat.domain import base64url, signed_bytes
from chat.domain.ids import AccountId, Address, DeviceId

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[3] / "schemas/vectors/signed_bytes.json").read_text()
)["vectors"]


def text_of(vector: dict[str, Any]) -> bytes:
    """What the server says was signed."""
    fields = vector["fields"]
    device = Address(AccountId(fields["account"]), DeviceId(fields["device"]))
    audience = fields["audience"]
    match fields["purpose"]:
        case "heliograph-connect-v1":
            return signed_bytes.connect(audience, device, fields["connect_number"])
        case "heliograph-http-v1":
            body = vector["body"].encode()
            method, path = fields["method"], fields["path"]
            return signed_bytes.http(audience, device, method, path, body, fields["time"], fields["nonce"])
        case "heliograph-register-v1":
            key = base64url.decode(fields["auth_key"])
            return signed_bytes.register(audience, fields["handle"], key, fields["time"])
    raise AssertionError(fields["purpose"])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_golden_text(vector: dict[str, Any]) -> None:
    """The same text, and the golden signature fits it."""
    text = text_of(vector)

    assert text.decode() == vector["text"]
    key, signature = base64url.decode(vector["auth_key"]), base64url.decode(vector["signature"])
    assert check_signature(key, signature, text)


def test_no_two_purposes_sign_one_text() -> None:
    """So a signature made for one purpose fits no other."""
    assert len({vector["text"].partition("\n")[0] for vector in VECTORS}) == 3
    assert len({vector["text"] for vector in VECTORS}) == len(VECTORS)


def test_a_field_may_not_hold_a_newline() -> None:
    """Else one text could be read as two different sets of fields."""
    with pytest.raises(ValueError, match="newline"):
        signed_bytes.http("a:1", Address(AccountId("x"), DeviceId(1)), "GET", "/a\n/b", b"", 0, "-")


class TestCheckSignature:
    """Ed25519 as the server takes it."""

    GOOD = VECTORS[0]
    KEY = base64url.decode(GOOD["auth_key"])
    SIGNATURE = base64url.decode(GOOD["signature"])
    TEXT = GOOD["text"].encode()

    def test_one_flipped_bit_anywhere_is_refused(self) -> None:
        """In the signature, in the key, in the text."""
        for place in range(0, 512, 7):
            flipped = bytearray(self.SIGNATURE)
            flipped[place // 8] ^= 1 << place % 8
            assert not check_signature(self.KEY, bytes(flipped), self.TEXT)
        for place in range(0, 256, 7):
            flipped = bytearray(self.KEY)
            flipped[place // 8] ^= 1 << place % 8
            assert not check_signature(bytes(flipped), self.SIGNATURE, self.TEXT)
        assert not check_signature(self.KEY, self.SIGNATURE, self.TEXT + b"\n")

    @pytest.mark.parametrize("signature", [b"", b"x", SIGNATURE[:-1], SIGNATURE + b"x", bytes(64)])
    def test_a_signature_of_another_length(self, signature: bytes) -> None:
        """False, not an exception."""
        assert not check_signature(self.KEY, signature, self.TEXT)

    @pytest.mark.parametrize("key", [b"", b"x", KEY[:-1], KEY + b"x"])
    def test_a_key_of_another_length(self, key: bytes) -> None:
        """False, not an exception."""
        assert not check_signature(key, self.SIGNATURE, self.TEXT)

    @pytest.mark.parametrize(
        "y",
        [
            0,
            1,
            0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
            0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
            2**255 - 20,
            2**255 - 19,
            2**255 - 18,
        ],
    )
    @pytest.mark.parametrize("sign", [0, 1])
    def test_a_key_of_small_order_signs_nothing(self, y: int, sign: int) -> None:
        """A made-up signature fits such a key for one text in eight at least; no text may pass."""
        key = (y | sign << 255).to_bytes(32, "little")
        points = [(v | s << 255).to_bytes(32, "little") for v in (0, 1, 2**255 - 20) for s in (0, 1)]

        for number in range(16):
            for point in points:
                assert not check_signature(key, point + bytes(32), b"%d" % number)
