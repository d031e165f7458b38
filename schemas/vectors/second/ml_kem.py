"""ML-KEM-1024 with its randomness given, as FIPS 203 writes it down; not constant in time.

Names of algorithms are those of FIPS 203. Polynomials are lists of 256 integers modulo :data:`Q`.
"""

from __future__ import annotations

import hashlib

Q = 3329
K, ETA, DU, DV = 4, 2, 11, 5
"""The parameter set ML-KEM-1024 (table 2); both etas are 2."""

Poly = list[int]


def keypair(d: bytes, z: bytes) -> tuple[bytes, bytes]:
    """Encapsulation key (1,568 bytes) and decapsulation key (3,168) from two times 32 bytes: algorithm 16."""
    rho, sigma = _g(d + bytes([K]))
    matrix = [[_sample_ntt(rho, j, i) for j in range(K)] for i in range(K)]
    s = [_ntt(_sample_cbd(sigma, i)) for i in range(K)]
    e = [_ntt(_sample_cbd(sigma, K + i)) for i in range(K)]
    t = [_add(_dot(matrix[i], s), e[i]) for i in range(K)]
    ek = b"".join(_encode(12, row) for row in t) + rho
    dk = b"".join(_encode(12, row) for row in s)
    return ek, dk + ek + hashlib.sha3_256(ek).digest() + z


def encapsulate(ek: bytes, m: bytes) -> tuple[bytes, bytes]:
    """Shared secret (32 bytes) and ciphertext (1,568) for a key and 32 random bytes: algorithm 17."""
    secret, r = _g(m + hashlib.sha3_256(ek).digest())
    return secret, _encrypt(ek, m, r)


def _encrypt(ek: bytes, m: bytes, r: bytes) -> bytes:
    """K-PKE.Encrypt, algorithm 14."""
    t = [_decode(12, ek[384 * i : 384 * (i + 1)]) for i in range(K)]
    rho = ek[384 * K :]
    transposed = [[_sample_ntt(rho, i, j) for j in range(K)] for i in range(K)]
    y = [_ntt(_sample_cbd(r, i)) for i in range(K)]
    e1 = [_sample_cbd(r, K + i) for i in range(K)]
    e2 = _sample_cbd(r, 2 * K)
    u = [_add(_inverse_ntt(_dot(transposed[i], y)), e1[i]) for i in range(K)]
    mu = [bit * (Q + 1) // 2 for bit in _decode(1, m)]
    v = _add(_add(_inverse_ntt(_dot(t, y)), e2), mu)
    return b"".join(_encode(DU, _compress(DU, row)) for row in u) + _encode(DV, _compress(DV, v))


def _g(data: bytes) -> tuple[bytes, bytes]:
    digest = hashlib.sha3_512(data).digest()
    return digest[:32], digest[32:]


def _sample_ntt(rho: bytes, j: int, i: int) -> Poly:
    """SampleNTT, algorithm 7: coefficients by rejection from SHAKE128."""
    stream = hashlib.shake_128(rho + bytes([j, i])).digest(3 * 1024)
    found: Poly = []
    for a, b, c in zip(stream[0::3], stream[1::3], stream[2::3], strict=True):
        found += [value for value in (a | (b & 15) << 8, b >> 4 | c << 4) if value < Q]
    return found[:256]


def _sample_cbd(seed: bytes, number: int) -> Poly:
    """SamplePolyCBD of PRF(seed, number), algorithm 8: differences of sums of two bits."""
    bits = int.from_bytes(hashlib.shake_256(seed + bytes([number])).digest(64 * ETA), "little")
    nibbles = [bits >> 4 * i & 15 for i in range(256)]
    return [((n & 1) + (n >> 1 & 1) - (n >> 2 & 1) - (n >> 3)) % Q for n in nibbles]


def _reversed_bits(number: int) -> int:
    return int(f"{number:07b}"[::-1], 2)


ZETAS = [pow(17, _reversed_bits(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * _reversed_bits(i) + 1, Q) for i in range(128)]


def _ntt(poly: Poly) -> Poly:
    """NTT, algorithm 9."""
    f, i, length = list(poly), 1, 128
    while length >= 2:
        for start in range(0, 256, 2 * length):
            zeta, i = ZETAS[i], i + 1
            for j in range(start, start + length):
                t = zeta * f[j + length]
                f[j + length], f[j] = (f[j] - t) % Q, (f[j] + t) % Q
        length //= 2
    return f


def _inverse_ntt(poly: Poly) -> Poly:
    """NTT^-1, algorithm 10; 3303 = 128^-1."""
    f, i, length = list(poly), 127, 2
    while length <= 128:
        for start in range(0, 256, 2 * length):
            zeta, i = ZETAS[i], i - 1
            for j in range(start, start + length):
                t = f[j]
                f[j], f[j + length] = (t + f[j + length]) % Q, zeta * (f[j + length] - t) % Q
        length *= 2
    return [value * 3303 % Q for value in f]


def _dot(left: list[Poly], right: list[Poly]) -> Poly:
    """The sum of products of two vectors in the NTT domain, algorithms 11 and 12."""
    total = [0] * 256
    for f, g in zip(left, right, strict=True):
        for i, gamma in enumerate(GAMMAS):
            a0, a1, b0, b1 = f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]
            total[2 * i] = (total[2 * i] + a0 * b0 + a1 * b1 * gamma) % Q
            total[2 * i + 1] = (total[2 * i + 1] + a0 * b1 + a1 * b0) % Q
    return total


def _add(left: Poly, right: Poly) -> Poly:
    return [(a + b) % Q for a, b in zip(left, right, strict=True)]


def _compress(bits: int, poly: Poly) -> Poly:
    return [((value << bits) + Q // 2) // Q % (1 << bits) for value in poly]


def _encode(bits: int, poly: Poly) -> bytes:
    """ByteEncode, algorithm 5: so many bits a coefficient, the first ones lowest."""
    return sum(value << bits * i for i, value in enumerate(poly)).to_bytes(32 * bits, "little")


def _decode(bits: int, data: bytes) -> Poly:
    """ByteDecode, algorithm 6."""
    number = int.from_bytes(data, "little")
    return [number >> bits * i & (1 << bits) - 1 for i in range(256)]
