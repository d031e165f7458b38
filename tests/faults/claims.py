"""What a claim of prekeys gave, as the history has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def claimed(account: str, answer: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Device -> kind of one-time key -> its id, out of the answer; the account's devices that have keys."""
    given: dict[str, dict[str, int]] = {}
    for bundle in answer["bundles"]:
        ids = given[f"{account}:{bundle['device']}"] = {}
        if "one_time" in bundle:
            ids["one_time"] = bundle["one_time"]["id"]
        if bundle["kem"]["kind"] == "one_time_kem":
            ids["one_time_kem"] = bundle["kem"]["id"]
    return given
