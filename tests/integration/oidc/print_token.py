"""``python -m tests.integration.oidc.print_token ISSUER KEY_FILE``: a token command, as operators have."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import jwt

if __name__ == "__main__":
    issuer, key_file = sys.argv[1:]
    now = int(time.time())
    claims = {"iss": issuer, "aud": "heliograph", "sub": "operator", "iat": now, "exp": now + 300}
    claims["nonce"] = os.environ["NONCE"]
    print(jwt.encode(claims, Path(key_file).read_bytes(), "EdDSA", headers={"kid": "ed-1"}))
