"""A small OpenID Connect issuer: discovery, keys, tokens. It counts what is fetched."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

DISCOVERY = "/.well-known/openid-configuration"
KEYS = "/keys"


class Issuer:
    """Answers on a loopback port. Change ``pages`` (path to bytes) to make it misbehave."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.fetched: Counter[str] = Counter()
        self.keys: dict[str, tuple[Any, str]] = {
            "rsa-1": (rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256"),
            "ed-1": (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
        }
        self.pages: dict[str, bytes] = {
            DISCOVERY: json.dumps({"issuer": self.url, "jwks_uri": self.url + KEYS}).encode()
        }
        self.hangs_up = False

    def page(self, path: str) -> bytes | None:
        """What lies at a path."""
        self.fetched[path] += 1
        if path == KEYS and KEYS not in self.pages:
            return json.dumps({"keys": [self._public(name) for name in self.keys]}).encode()
        return self.pages.get(path)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """The claims of a good token; a change to None leaves the claim out."""
        now = int(time.time())
        good = {"iss": self.url, "aud": "heliograph", "sub": "user-1", "iat": now, "exp": now + 300}
        return {name: value for name, value in (good | changes).items() if value is not None}

    def token(self, kid: str = "rsa-1", **claims: Any) -> str:
        """A token signed with one of the keys."""
        key, algorithm = self.keys[kid]
        return jwt.encode(self.claims(**claims), key, algorithm, headers={"kid": kid})

    def _public(self, kid: str) -> dict[str, Any]:
        key, algorithm = self.keys[kid]
        family = jwt.algorithms.RSAAlgorithm if algorithm == "RS256" else jwt.algorithms.OKPAlgorithm
        public: dict[str, Any] = family.to_jwk(key.public_key(), as_dict=True)
        return public | {"kid": kid, "use": "sig", "alg": algorithm}


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    """An issuer that serves meanwhile."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if issuer.hangs_up:
                issuer.fetched[self.path] += 1
                self.close_connection = True
                return
            page = issuer.page(self.path)
            self.send_response(404 if page is None else 200)
            self.end_headers()
            self.wfile.write(page or b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
