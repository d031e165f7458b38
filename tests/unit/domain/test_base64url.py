"""base64url: one text for one value."""

from __future__ import annotations

from base64 import urlsafe_b64encode

import pytest
from chat.domain import base64url


@pytest.mark.parametrize("size", range(35))
def test_round_trip(size: int) -> None:
    """Every length, and only the alphabet of RFC 4648 section 5."""
    data = bytes(range(256 - size, 256))

    text = base64url.encode(data)

    assert base64url.decode(text) == data
    assert "=" not in text
    assert not set(text) & set("+/")


@pytest.mark.parametrize(
    "text", ["aGk=", "aGk==", "a+/k", "a", "aGk\n", " aGk", "aG k", "\u00fc", "aGl", "AB", "aGk\x00"]
)
def test_every_other_text_is_refused(text: str) -> None:
    """Padding, the other alphabet, white space, an impossible length, unused bits that are not zero."""
    with pytest.raises(ValueError):  # noqa: PT011 - the documented type
        base64url.decode(text)


def test_of_all_texts_of_a_byte_one_is_canonical() -> None:
    """Two characters hold 12 bits, 4 of which must be zero: 256 of 4,096 texts pass."""
    alphabet = urlsafe_b64encode(bytes(range(256))).decode()
    letters = sorted(set(alphabet) - {"="})
    passed = 0
    for first in letters:
        for second in letters:
            try:
                base64url.decode(first + second)
            except ValueError:
                continue
            passed += 1

    assert (len(letters), passed) == (64, 256)
