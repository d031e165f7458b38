"""Prekeys in Cassandra where the verdict on a write is lost."""

from __future__ import annotations

from typing import Any

import pytest
from chat.adapters.cassandra.prekeys import CassandraPrekeys
from chat.adapters.cassandra.session import Applied, Pending
from chat.domain.ids import AccountId, Address, DeviceId
from chat.domain.prekeys import Kind, Prekey
from chat.ports.storage import OutcomeUnknown

MINE = Address(AccountId("0198f0a0-0000-7000-8000-00000000a11c"), DeviceId(1))
KEY = Prekey(4, b"k" * 32)


class SilentCassandra:
    """Never gives a verdict; ``there`` is the row that is found afterwards. ``writes`` counts."""

    def __init__(self, *there: Prekey) -> None:
        self._rows = [
            {"kind": "one_time", "key_id": key.id, "key": key.key, "signature": key.signature}
            for key in there
        ]
        self.writes = 0

    def apply(self, _statement: object, *_values: object) -> Applied:
        self.writes += 1
        raise OutcomeUnknown("no verdict")

    def start(self, _statement: object, *_values: object) -> Pending:
        return Pending(lambda: self._rows)


@pytest.mark.parametrize(("there", "added"), [(KEY, True), (Prekey(4, b"o" * 32), False)])
def test_what_is_there_decides(there: Prekey, added: bool) -> None:
    """The key itself: it was stored; another one: it was not. Nothing is written again."""
    silent: Any = SilentCassandra(there)

    assert CassandraPrekeys(silent).add(MINE, Kind.ONE_TIME, KEY) is added
    assert silent.writes == 1


def test_a_key_that_is_not_there_is_not_stored_again() -> None:
    """It may have been stored and given to somebody since: that would give it twice."""
    silent: Any = SilentCassandra()

    with pytest.raises(OutcomeUnknown):
        CassandraPrekeys(silent).add(MINE, Kind.ONE_TIME, KEY)

    assert silent.writes == 1


def test_nobody_claims_to_have_removed_a_key() -> None:
    """Where the verdict is lost it may be another's by now."""
    silent: Any = SilentCassandra(KEY)

    with pytest.raises(OutcomeUnknown):
        CassandraPrekeys(silent).remove(MINE, Kind.ONE_TIME, 4)

    assert silent.writes == 1
