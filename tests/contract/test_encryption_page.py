"""docs/encryption.md against the vectors that it quotes and the tests that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "encryption.md").read_text("utf-8")
VECTORS = (ROOT / "schemas" / "vectors" / "encryption.json").read_text("utf-8")
FOLDER = ROOT / "tests" / "unit" / "client" / "crypto"


@pytest.mark.parametrize("value", sorted(set(re.findall(r"`([0-9a-f]{64,})`", PAGE))))
def test_every_value_of_the_example_is_in_the_vectors(value: str) -> None:
    """What a reader computes after is what the vectors hold."""
    assert value in VECTORS


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(test_\w+)`", PAGE))))
def test_every_test_it_names_is_there(name: str) -> None:
    """A decision is guarded by a test that exists."""
    assert any(f"def {name}(" in path.read_text("utf-8") for path in FOLDER.glob("test_*.py"))


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:tests/\w+/)?test_\w+\.py)`", PAGE))))
def test_every_file_it_names_is_there(name: str) -> None:
    """A file of tests, in the folder of the encryption or with its whole path."""
    assert (FOLDER / name).exists() or (ROOT / name).exists()


def test_domain_strings_are_listed_and_used() -> None:
    """Each domain string of the SDK's encryption stands on the page."""
    sources = ROOT / "clients" / "python" / "src" / "heliograph" / "crypto"
    used = set(
        re.findall(r"heliograph-[a-z-]+-v1", "".join(p.read_text("utf-8") for p in sources.glob("*.py")))
    )
    assert used
    assert used <= set(re.findall(r"`(heliograph-[a-z-]+-v1)`", PAGE))
