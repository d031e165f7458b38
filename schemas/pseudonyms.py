"""Ids as they stand in logs: the same id has the same pseudonym everywhere in a stage, and nowhere else.

Shared by the functions, which write them, and by ``operations``, which looks for them.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b32encode

_BYTES = 10
"""80 bits: no two alike, in 16 characters."""

PSEUDONYM = re.compile(r"[a-z2-7]{16}")
"""What one looks like: letters and digits only, so that it is one word to every search."""


def pseudonym(key: str, text: str) -> str:
    """What stands for an id (a message, ``account:device``) in the logs of a stage.

    ``key`` is the stage's; at most 64 ASCII characters. Who reads only logs cannot tell ids from pseudonyms,
    compare them with those of a database, a client or another stage, or test a guess. Who may also read the
    configuration of the functions has the key and can do all this: that is how a message is traced.
    """
    digest = hashlib.blake2b(text.encode(), key=key.encode(), digest_size=_BYTES).digest()
    return b32encode(digest).decode().lower()
