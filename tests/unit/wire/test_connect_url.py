"""The ``proof`` of a connect URL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chat.wire.connect_url import parse_proof

VECTORS = json.loads((Path(__file__).parents[3] / "schemas/vectors/signed_bytes.json").read_text())["vectors"]
PROOFS = [vector for vector in VECTORS if "proof" in vector]
GOOD = PROOFS[0]["proof"]
_, ACCOUNT, DEVICE, NUMBER, SIGNATURE = GOOD.split(".")


@pytest.mark.parametrize("vector", PROOFS, ids=lambda vector: vector["name"])
def test_the_golden_proofs_are_read(vector: dict[str, Any]) -> None:
    """Account, device and number are those that were signed."""
    proof = parse_proof(vector["proof"])

    assert proof is not None
    fields = vector["fields"]
    assert (proof.device.account, proof.device.device) == (fields["account"], fields["device"])
    assert proof.number == fields["connect_number"]
    assert len(proof.signature) == 64


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "v2" + GOOD[2:],
        GOOD + ".",
        GOOD.replace(".", ":"),
        f"v1.{ACCOUNT.upper()}.{DEVICE}.{NUMBER}.{SIGNATURE}",
        f"v1.{ACCOUNT}.0.{NUMBER}.{SIGNATURE}",
        f"v1.{ACCOUNT}.01.{NUMBER}.{SIGNATURE}",
        f"v1.{ACCOUNT}.{DEVICE}\n.{NUMBER}.{SIGNATURE}",
        f"v1.{ACCOUNT}.{DEVICE}.-1.{SIGNATURE}",
        f"v1.{ACCOUNT}.{DEVICE}.\u0661.{SIGNATURE}",
        f"v1.{ACCOUNT}.{DEVICE}.{'9' * 5_000}.{SIGNATURE}",
        f"v1.{ACCOUNT}.{DEVICE}.{NUMBER}.{SIGNATURE}==",
        f"v1.{ACCOUNT}.{DEVICE}.{NUMBER}.{SIGNATURE[:-1]}",
        f"v1.{ACCOUNT}.{DEVICE}.{NUMBER}.\u00fc",
        "." * 10_000,
    ],
)
def test_anything_else_is_no_proof(text: str) -> None:
    """None, whatever it is; no exception."""
    assert parse_proof(text) is None
