"""Frames that nobody should send, by the thousand and from a seed: good ones mutated, and garbage.

``Mangler(seed).frame(cast)`` makes one, ``refusal_of(text)`` says what has to become of it. Used against the
handlers in one process (``tests/unit/functions``) and against a stage (``tests/e2e``). Knows the contract in
``schemas/`` and nothing of the server.
"""

from __future__ import annotations

from tests.mangled.expected import refusal_of
from tests.mangled.frames import Cast, Mangled, Mangler

__all__ = ["Cast", "Mangled", "Mangler", "refusal_of"]
