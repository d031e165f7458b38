"""Inside a function: its storage is reached by way of the tap."""

from __future__ import annotations

import os

from chat.bootstrap import Services


def decorate(services: Services) -> Services:
    """The same services, which read their settings when they are first used."""
    os.environ["CASSANDRA_PORT"] = os.environ["HELIOGRAPH_STORAGE_TAP"]
    return services
