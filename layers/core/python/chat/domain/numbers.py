"""Phone numbers as handles, and which of them this server sends codes to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


def is_number(handle: str) -> bool:
    """Whether a handle is a phone number (E.164: ``+`` and 8 to 15 digits) and not a name."""
    return handle.startswith("+")


@dataclass(frozen=True, slots=True)
class Prices:
    """What a text message costs, in cents, by the digits that a number begins with; None: none is sent."""

    by_prefix: Mapping[str, int | None]

    @classmethod
    def parse(cls, entries: tuple[str, ...]) -> Prices:
        """``49:9`` is 9 cents to Germany, ``!1876`` nothing to Jamaica. Raises ``ValueError``."""
        by_prefix: dict[str, int | None] = {}
        for entry in entries:
            found = re.fullmatch(r"(?:!([1-9][0-9]{0,6})|([1-9][0-9]{0,6}):([1-9][0-9]{0,3}))", entry)
            if not found:
                raise ValueError(f"{entry!r} is neither <prefix>:<cents> nor !<prefix>")
            by_prefix[found[1] or found[2]] = int(found[3]) if found[3] else None
        return cls(by_prefix)

    def of(self, number: str) -> tuple[str, int] | None:
        """The longest prefix that fits the number, and its price; None where no code is sent."""
        digits = number.removeprefix("+")
        for length in range(len(digits), 0, -1):
            if (prefix := digits[:length]) in self.by_prefix:
                cents = self.by_prefix[prefix]
                return None if cents is None else (prefix, cents)
        return None
