"""Many needles in one pass over any number of bytes, in bounded memory (Aho-Corasick)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ahocorasick_rs import BytesAhoCorasick

from tests.canary.encodings import forms
from tests.canary.needles import Needle, Store

CHUNK_BYTES = 1 << 20

Part = tuple[str, bytes]
"""A place, such as a path below the state, and bytes that lie there. A long file comes in several parts."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A needle, where it lies and how it is written there."""

    needle: Needle
    form: str
    store: Store
    place: str


class Searcher:
    """Searches for every form of some needles."""

    def __init__(self, needles: Iterable[Needle]) -> None:
        self._meanings: dict[bytes, list[tuple[Needle, str]]] = defaultdict(list)
        for needle in needles:
            for name, form in forms(needle.value).items():
                self._meanings[form].append((needle, name))
        self._forms = list(self._meanings)
        self._automaton = BytesAhoCorasick(self._forms) if self._forms else None
        self._overlap = max(map(len, self._forms), default=1) - 1
        self.hits: set[Hit] = set()
        self.searched: dict[Store, int] = defaultdict(int)

    @property
    def patterns(self) -> int:
        """How many byte patterns are searched for at once."""
        return len(self._forms)

    def search(self, store: Store, parts: Iterable[Part]) -> None:
        """Search parts of a store one after the other, as if they were one file: what begins at the end of
        one and ends in the next is found too, and its place is where it ends.
        """
        self.searched[store] += 0
        tail = b""
        for place, part in parts:
            self.searched[store] += len(part)
            window = tail + part
            for form in self._found(window, len(tail)):
                self.hits |= {Hit(needle, name, store, place) for needle, name in self._meanings[form]}
            tail = window[len(window) - self._overlap :] if len(window) > self._overlap else window

    def _found(self, window: bytes, known: int) -> Iterator[bytes]:
        """The forms that end behind the ``known`` bytes of the window, which were searched before."""
        if self._automaton is None:
            return
        for index, _, end in self._automaton.find_matches_as_indexes(window, overlapping=True):
            if end > known:
                yield self._forms[index]


def in_chunks(place: str, path: Path) -> Iterator[Part]:
    """A file in parts."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield place, chunk
