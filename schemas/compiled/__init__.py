"""The schemas of what clients say, as Python functions: written by :mod:`schemas.compiler`."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[.\[\]]+")


class Mismatch(ValueError):
    """A value that does not fit: ``place`` is the path to it, such as ``data.messages[0].id``."""

    def __init__(self, place: str, rule: str) -> None:
        super().__init__(rule)
        self.place = place
        self.rule = rule

    @property
    def path(self) -> list[str]:
        """The steps of ``place``, without the first, which stands for the whole."""
        return [step for step in _SEPARATORS.split(self.place) if step][1:]
