"""The primitives give what their standards publish, through the calls that the SDK makes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from heliograph.crypto import primitives
from heliograph.crypto.primitives import IdentityKey

from schemas.vectors.second import agreement, ml_kem

ML_KEM = json.loads(Path(__file__).with_name("ml_kem_1024.json").read_text())["vectors"]


def h(text: str) -> bytes:
    """Hex."""
    return bytes.fromhex(text)


@pytest.mark.parametrize(
    ("scalar", "u", "result"),
    [
        (
            "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
            "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552",
        ),
        (
            "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
            "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
            "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957",
        ),
    ],
)
def test_x25519(scalar: str, u: str, result: str) -> None:
    """RFC 7748, section 5.2: both calls."""
    assert primitives.agree(h(scalar), h(u)) == h(result)


def test_x25519_repeated() -> None:
    """RFC 7748, section 5.2: a thousand calls on their own results."""
    k = u = h("09" + "00" * 31)
    for number in range(1000):
        k, u = primitives.agree(k, u), k
        if number == 0:
            assert k.hex() == "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"
    assert k.hex() == "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"


def test_x25519_agreement() -> None:
    """RFC 7748, section 6.1: both sides, their public keys and the secret."""
    alice = h("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    bob = h("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    of_alice, of_bob = primitives.public_of(alice), primitives.public_of(bob)
    assert of_alice.hex() == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    assert of_bob.hex() == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
    secret = h("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
    assert primitives.agree(alice, of_bob) == primitives.agree(bob, of_alice) == secret


@pytest.mark.parametrize(
    "point",
    [
        "00" * 32,
        "01" + "00" * 31,
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    ],
)
def test_x25519_of_small_order(point: str) -> None:
    """A point whose result is zero whatever the scalar is refused (RFC 7748, section 6.1)."""
    with pytest.raises(primitives.BadKey):
        primitives.agree(primitives.new_private(), h(point))


@pytest.mark.parametrize(
    ("seed", "public", "message", "signature"),
    [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            (
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
            ),
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            (
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
            ),
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            (
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
            ),
        ),
    ],
)
def test_ed25519(seed: str, public: str, message: str, signature: str) -> None:
    """RFC 8032, section 7.1, tests 1 to 3: key, signature, and that another message does not fit."""
    key = IdentityKey(h(seed))
    assert key.public == h(public)
    assert key.sign(h(message)) == h(signature)
    primitives.verify(h(public), h(signature), h(message))
    with pytest.raises(primitives.BadKey):
        primitives.verify(h(public), h(signature), h(message) + b"\x00")


def test_ed25519_to_x25519() -> None:
    """libsodium's test ``ed25519_convert``: a seed, its X25519 private and public key."""
    seed = h("421151a459faeade3d247115f94aedae42318124095afabe4d1451a559faedee")
    key, peer = IdentityKey(seed), primitives.new_private()
    public = primitives.agreement_key(key.public)
    assert public.hex() == "f1814f0e8ff1043d8a44d25babff3cedcae6c22c3edaa48f857ae70de2baae50"
    private = h("8052030376d47112be7f73ed7a019293dd12ad910b654455798b4667d73de166")
    assert agreement.Identity(seed).x25519_private == private
    assert primitives.public_of(private) == public
    of_peer = primitives.public_of(peer)
    assert key.agree(of_peer) == primitives.agree(private, of_peer) == primitives.agree(peer, public)


@pytest.mark.parametrize("number", range(64))
def test_the_map_of_keys_is_that_of_rfc_7748(number: int) -> None:
    """u = (1 + y) / (1 - y) for either sign of x, and both ways lead to the same X25519 key."""
    seed = hashlib.sha256(bytes([number])).digest()
    key = IdentityKey(seed)
    assert primitives.agreement_key(key.public) == agreement.montgomery(key.public)
    assert primitives.public_of(agreement.Identity(seed).x25519_private) == agreement.montgomery(key.public)


@pytest.mark.parametrize(
    ("ikm", "salt", "info", "okm"),
    [
        (
            "0b" * 22,
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            "".join(f"{i:02x}" for i in range(0x50)),
            "".join(f"{i:02x}" for i in range(0x60, 0xB0)),
            "".join(f"{i:02x}" for i in range(0xB0, 0x100)),
            (
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
                "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
            ),
        ),
        (
            "0b" * 22,
            "",
            "",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ],
)
def test_hkdf(ikm: str, salt: str, info: str, okm: str) -> None:
    """RFC 5869, appendix A.1 to A.3; without a salt it is that of zeros, which is ours."""
    length = len(okm) // 2
    assert HKDF(hashes.SHA256(), length, h(salt), h(info)).derive(h(ikm)) == h(okm)
    assert agreement.hkdf(h(salt), h(ikm), h(info), length) == h(okm)
    if not salt:
        assert primitives.derive(h(ikm), h(info), length) == h(okm)


@pytest.mark.parametrize(
    ("key", "data", "mac"),
    [
        (
            "0b" * 20,
            b"Hi There".hex(),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe".hex(),
            b"what do ya want for nothing?".hex(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        ("aa" * 20, "dd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
        (
            "".join(f"{i:02x}" for i in range(1, 26)),
            "cd" * 50,
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        ),
        (
            "aa" * 131,
            b"Test Using Larger Than Block-Size Key - Hash Key First".hex(),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ],
)
def test_hmac(key: str, data: str, mac: str) -> None:
    """RFC 4231, test cases 1 to 4 and 6."""
    tag = HMAC(h(key), hashes.SHA256())
    tag.update(h(data))
    assert tag.finalize() == h(mac)


def test_aes_256_cbc() -> None:
    """NIST SP 800-38A, F.2.5 and F.2.6."""
    key = h("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
    plaintext = h(
        "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
        "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
    )
    ciphertext = h(
        "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
        "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"
    )
    cipher = Cipher(algorithms.AES256(key), modes.CBC(bytes(range(16))))
    assert cipher.encryptor().update(plaintext) == ciphertext
    assert cipher.decryptor().update(ciphertext) == plaintext


def test_argon2id() -> None:
    """RFC 9106, section 5.3."""
    found = Argon2id(
        salt=b"\x02" * 16,
        length=32,
        iterations=3,
        lanes=4,
        memory_cost=32,
        ad=b"\x04" * 12,
        secret=b"\x03" * 8,
    ).derive(b"\x01" * 32)
    assert found.hex() == "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"


@pytest.mark.parametrize("vector", ML_KEM, ids=lambda vector: vector["d"][:8])
def test_ml_kem_1024(vector: dict[str, str]) -> None:
    """The known answers: keys of a seed, the secret of a ciphertext, another one where it was changed."""
    seed = h(vector["d"] + vector["z"])
    assert primitives.kem_public_of(seed) == h(vector["pk"])
    assert primitives.decapsulate(seed, h(vector["ct"])) == h(vector["ss"])
    assert primitives.decapsulate(seed, h(vector["ct_n"])) == h(vector["ss_n"])


@pytest.mark.parametrize("vector", ML_KEM, ids=lambda vector: vector["d"][:8])
def test_the_second_ml_kem_1024(vector: dict[str, str]) -> None:
    """The one that makes our vectors gives the known answers, encapsulation included."""
    public, _ = ml_kem.keypair(h(vector["d"]), h(vector["z"]))
    assert public == h(vector["pk"])
    assert ml_kem.encapsulate(public, h(vector["msg"])) == (h(vector["ss"]), h(vector["ct"]))


def test_encapsulation_reaches_the_holder_of_the_key() -> None:
    """What is encapsulated by chance, and so has no vector, decapsulates; the second one agrees."""
    seed = primitives.new_kem_seed()
    secret, ciphertext = primitives.encapsulate(primitives.kem_public_of(seed))
    assert primitives.decapsulate(seed, ciphertext) == secret
    other, made = ml_kem.encapsulate(ml_kem.keypair(seed[:32], seed[32:])[0], b"\x07" * 32)
    assert primitives.decapsulate(seed, made) == other != secret


@pytest.mark.parametrize("length", [0, 1567, 1569])
def test_ml_kem_sizes(length: int) -> None:
    """A key or a ciphertext of another size is refused, as FIPS 203 section 7 demands."""
    with pytest.raises(primitives.BadKey):
        primitives.encapsulate(bytes(length))
    with pytest.raises(primitives.BadKey):
        primitives.decapsulate(primitives.new_kem_seed(), bytes(length))


def test_ml_kem_modulus() -> None:
    """A key with a coefficient that is not below 3329 is refused, as FIPS 203 section 7.2 demands."""
    with pytest.raises(primitives.BadKey):
        primitives.encapsulate(b"\xff" * 1568)
