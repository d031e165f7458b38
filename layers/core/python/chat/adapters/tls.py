"""TLS towards AWS: certificates and host names are always checked."""

from __future__ import annotations

import ssl
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path


@lru_cache(maxsize=1)
def aws_context() -> ssl.SSLContext:
    """A context that trusts the roots which botocore ships, or those of the system where it is absent.

    Every Lambda runtime for Python holds botocore, and its bundle has Amazon Root CA 1 to 4 and Starfield,
    whatever the operating system below has. Only the file is used; nothing of botocore is imported.
    """
    return ssl.create_default_context(cafile=_botocore_roots())


def _botocore_roots() -> str | None:
    spec = find_spec("botocore")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        roots = Path(place) / "cacert.pem"
        if roots.is_file():
            return str(roots)
    return None
