"""All flows. A module is imported here, or its flows do not play."""

from __future__ import annotations

from tests.canary.flow import FLOWS
from tests.canary.flows import accounts, chat, control, devices, trouble

__all__ = ["FLOWS", "accounts", "chat", "control", "devices", "trouble"]
