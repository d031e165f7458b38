"""The outcome in words. A canary is never printed unless asked for: a report is pasted into places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tests.canary.encodings import SHORTEST, forms
from tests.canary.needles import Needle, Store
from tests.canary.run import Outcome
from tests.canary.search import Hit


def lines(outcome: Outcome, *, show: bool = False) -> Iterator[str]:
    """Stores with what was searched, then everything that is wrong, and the verdict."""
    hits = _by_store(outcome)
    yield f"{'store':<22} {'bytes searched':>15}  {'controls':>8}  {'canaries':>8}"
    for store in Store:
        planted = {hit.needle for hit in outcome.hits if hit.store is store and hit.needle.planted}
        size = outcome.searched.get(store, 0)
        yield f"{store:<22} {size:>15,}  {len(planted):>8}  {hits.get(store, 0):>8}"
    needles, controls = len(outcome.needles), len(outcome.controls)
    yield f"\n{outcome.patterns:,} patterns of {needles} canaries and {controls} controls"
    yield "  ".join(f"{name} {spent:.1f} s" for name, spent in outcome.seconds.items())
    for name, problem in outcome.broken.items():
        yield f"flow {name!r} did not play: {problem}"
    for name, unused in outcome.unused.items():
        yield f"flow {name!r} did not use what it claims: {', '.join(unused)}"
    for needle, store, form in outcome.missed:
        yield f"blind: {needle.what!r} was planted in {store} as {form} and not found"
    for leak, places in _plainest(outcome.leaks):
        yield _leak(leak, places, show=show)
    planted = sum(len(needle.planted) for needle in outcome.controls)
    yield f"{planted - len(outcome.missed)} of {planted} planted controls found"
    yield f"{len({leak.needle for leak in outcome.leaks})} of {len(outcome.needles)} canaries found"


def _by_store(outcome: Outcome) -> dict[Store, int]:
    found = {(leak.store, leak.needle) for leak in outcome.leaks}
    return {store: sum(where is store for where, _ in found) for store in Store}


def _plainest(leaks: list[Hit]) -> Iterator[tuple[Hit, int]]:
    """For each needle and store a hit in the plainest of its forms, and in how many places there are any."""
    order = list(forms(bytes(SHORTEST)))
    found: dict[tuple[Needle, Store], list[Hit]] = defaultdict(list)
    for leak in leaks:
        found[leak.needle, leak.store].append(leak)
    for hits in found.values():
        yield min(hits, key=lambda hit: (order.index(hit.form), hit.place)), len({hit.place for hit in hits})


def _leak(hit: Hit, places: int, *, show: bool) -> str:
    others = f" and {places - 1} more places" if places > 1 else ""
    value = f": {hit.needle.value!r}" if show else ""
    what = f"{hit.needle.what} (flow {hit.needle.flow!r})"
    return f"FOUND in {hit.store}, {hit.place}{others}, as {hit.form}: {what}{value}"
