"""The bench of the encryption measures real calls and real stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cpu.rows import Row
from bench.encryption import report, run
from bench.encryption.run import Found, Size
from bench.encryption.store import StoreSize
from bench.encryption.talk import Talk


def test_all_of_it_runs(tmp_path: Path) -> None:
    """Each call does its work; sizes are those of the wire format; a store holds all messages."""
    found = run.measure(tmp_path, calls=1, messages=100)
    assert all(one.cpu > 0 for one in found.rows)
    assert len({one.name for one in found.rows}) == len(found.rows) == 8
    assert [one.size for one in found.sizes[:2]] == [2055, 410]
    assert found.sizes[3].size > 100 * found.sizes[2].size
    assert found.store.sealed > found.store.messages * found.store.text


def test_tables_say_how_many_a_second() -> None:
    """Of the processor time of one call; a store's bytes are divided by its messages."""
    text = report.tables(
        Found([Row("encrypt", 0.3, 0.25, 1.2, 9)], [Size("envelope", 2055)], StoreSize(100, 8_000, 7_000, 62))
    )
    assert "| encrypt | 0.25 | 4,000 | 1.2 |" in text
    assert "| envelope | 2,055 |" in text
    assert "| sealed by a passphrase | 0.0 | 80 |" in text


def test_a_call_that_does_not_do_its_work_is_an_error() -> None:
    """What opens must be what was sealed."""
    talk = Talk().settled()
    sealed = talk.encrypt(talk.alice)
    talk.content = b"another"
    with pytest.raises(RuntimeError, match="another content"):
        talk.decrypt(talk.bob, sealed)
