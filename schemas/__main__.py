"""``python -m schemas`` (``make schema``): write what is rendered from the sources here."""

from __future__ import annotations

from pathlib import Path

from schemas import compiler
from schemas.tables import render_cql

if __name__ == "__main__":
    Path(__file__).with_name("tables.cql").write_text(render_cql())
    for name, text in compiler.modules().items():
        (compiler.FOLDER / name).write_text(text)
