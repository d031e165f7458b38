"""Ids as they stand in logs: the same id has the same pseudonym everywhere in a stage, and nowhere else."""

from __future__ import annotations

import hashlib

from chat.domain import base64url

_BYTES = 9
"""72 bits: among a hundred million messages no two alike, in 12 characters."""


def pseudonym(key: str, text: str) -> str:
    """12 characters that stand for an id (a message, ``account:device``) in the logs of a stage.

    ``key`` is the stage's; at most 64 ASCII characters. Who reads only logs cannot tell ids from pseudonyms,
    compare them with those of a database, a client or another stage, or test a guess. Who may also read the
    configuration of the functions has the key and can do all this: that is how a message is traced.
    """
    return base64url.encode(hashlib.blake2b(text.encode(), key=key.encode(), digest_size=_BYTES).digest())
