"""The Signal protocol as docs/encryption.md writes it down: pure functions and values, no store, no network.

The ratchet is the package DoubleRatchet, the primitives are those of `cryptography`; what is ours is the key
agreement (PQXDH), the keys of the AEAD, and the layout of bytes.
"""
