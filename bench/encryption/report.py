"""What was measured, as Markdown."""

from __future__ import annotations

from bench.encryption.run import Found
from bench.markdown import table


def tables(found: Found) -> str:
    """Three tables: calls, sizes on the wire and in the store, the store as a whole."""
    calls = [[one.name, f"{one.cpu:.2f}", f"{1000 / one.cpu:,.0f}", f"{one.units:.1f}"] for one in found.rows]
    sizes = [[one.name, f"{one.size:,}"] for one in found.sizes]
    store = found.store
    stores = [
        [name, f"{size / 1e6:.1f}", f"{size / store.messages:,.0f}"]
        for name, size in (("sealed by a passphrase", store.sealed), ("not sealed", store.plain))
    ]
    return "\n\n".join(
        (
            table(["one call", "CPU ms", "a second on one core", "in units of fixed work"], calls),
            table(["", "bytes"], sizes),
            table(
                [f"a store with {store.messages:,} messages of {store.text} characters", "MB", "bytes each"],
                stores,
            ),
        )
    )
