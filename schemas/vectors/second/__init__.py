"""A second implementation of the encryption, for comparing: small, slow and written from the documents alone.

It shares no line with a client and no package with its ratchet; X25519, Ed25519 and AES come from
``cryptography``. All that is random elsewhere is an argument here. Never use it for anything but vectors.
"""
