"""The safety number: what the golden vectors say, and alike on both sides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from heliograph.safety_number import First, fingerprint, safety_number

VECTORS = Path(__file__).parents[3] / "schemas" / "vectors" / "safety_number.json"


def first(side: dict[str, Any]) -> First:
    """One side of a vector."""
    return First(side["account"], side["entry_hash"], side["auth_key"])


@pytest.mark.parametrize("vector", json.loads(VECTORS.read_text())["vectors"], ids=lambda v: v["digits"][:5])
def test_numbers_are_those_of_the_vectors(vector: dict[str, Any]) -> None:
    """Digits, QR form and both fingerprints, whichever account comes first."""
    mine, other = first(vector["mine"]), first(vector["other"])
    for number in (safety_number(mine, other), safety_number(other, mine)):
        assert (number.digits, number.qr) == (vector["digits"], vector["qr"])
    assert fingerprint(mine) == vector["mine"]["fingerprint"]
    assert fingerprint(other) == vector["other"]["fingerprint"]
