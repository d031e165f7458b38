"""The metrics of a stage: what the functions count, alarms watch and ``make status`` shows.

Every one has the single dimension ``stage`` and never an id, so their number, and with it their price, is
fixed: a metric costs a fraction of $0.30 a month, by the hours in which something was counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

NAMESPACE = "Heliograph"

DIMENSION = "stage"

ACCEPT_MILLISECONDS = "accept_ms"
"""The one metric with a value each time instead of a count."""

METRICS: Mapping[str, str] = MappingProxyType(
    {
        "accepted": "messages stored for every device of their recipient",
        ACCEPT_MILLISECONDS: "ms from the gateway's receipt of a `send` frame to its answer",
        "posted": "frames that the gateway took for a socket",
        "gone": "frames for sockets that no longer exist (410)",
        "post_failed": "frames that the gateway did not take; the next `sync` brings what was in them",
        "drained": "rows that `sync` handed out",
        "full_pages": "pages of `sync` that did not end the inbox: a backlog is being drained",
        "acked": "rows that devices removed",
        "refused_rate_limited": "frames, requests and handshakes refused by a limiter",
        "refused_stale": "messages whose id or device list was out of date: clients mend this themselves",
        "refused_internal": "frames and requests that met an unexpected exception",
        "refused_other": "all else that was refused",
        "storage_retries": "statements sent again",
        "storage_unavailable": "statements given up: storage did not answer, or left the outcome open",
        "cold_starts": "environments that began to work",
    }
)
"""What each counts. One more makes an idle month no dearer and a busy one by $0.30."""
