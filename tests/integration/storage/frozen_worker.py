"""A stand-in for a Lambda worker: one live session, one statement per line of standard input.

Usage: frozen_worker.py PORT AUTHORITY. Answers one JSON line per statement: milliseconds, error,
and how many driver clusters it has built so far.
"""

from __future__ import annotations

import json
import ssl
import sys
import time
from uuid import uuid4

from cassandra.cluster import Cluster
from chat.adapters.cassandra import session
from chat.adapters.cassandra.keyspaces_auth import security_options
from chat.adapters.cassandra.policies import new_cluster
from chat.adapters.cassandra.statement import Statement

READ = Statement("SELECT version FROM heliograph.account_card WHERE account_id = ? AND entry = ?")
CREATE = Statement("INSERT INTO heliograph.account_card (account_id, entry) VALUES (?, ?) IF NOT EXISTS")


def main() -> None:
    """Serve until standard input ends."""
    port, authority = int(sys.argv[1]), sys.argv[2]
    session.IDLE = 0.5  # a freeze of half a second stands for one of half a minute
    security = security_options("us-east-1") | {"ssl_context": ssl.create_default_context(cafile=authority)}
    clusters: list[Cluster] = []

    def build() -> Cluster:
        clusters.append(new_cluster(("127.0.0.1",), port, **security))
        return clusters[-1]

    database = session.Cassandra(build)
    for line in sys.stdin:
        kind, error, started = line.strip(), None, time.perf_counter()
        try:
            if kind == "read":
                database.run(READ, "a", "devices")
            else:
                assert database.apply(CREATE, str(uuid4()), "devices")
        except Exception as caught:  # noqa: BLE001, reported to the test
            error = repr(caught)
        ms = round((time.perf_counter() - started) * 1000, 1)
        print(json.dumps({"ms": ms, "error": error, "clusters": len(clusters)}), flush=True)


main()
