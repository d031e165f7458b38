"""The rules of the ports for codes and their cost, for whatever stands behind them.

Run on the fakes by ``test_code_ports.py`` beside this file, on the adapters and a real Cassandra by the file
of that name in ``tests/integration/storage``. Both give the fixtures ``codes`` and ``spending``.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from chat.ports.codes import Codes, Spending, StoredCode
from chat.ports.storage import OutcomeUnknown, StorageUnavailable

NOW = 1_764_000_000_000
LIMIT = 5
_DAYS = itertools.count(100_000)

T = TypeVar("T")


def claim() -> str:
    """A fresh claim."""
    return secrets.token_urlsafe(32)


def stored(expires_at: int = NOW + 600_000) -> StoredCode:
    """A code as it is stored."""
    return StoredCode(secrets.token_bytes(16), secrets.token_bytes(32), expires_at)


def at_once(call: Callable[[], T], calls: int) -> list[T | None]:
    """What calls at the same time return; None where the store gave up, which refuses."""

    def run() -> T | None:
        try:
            return call()
        except (OutcomeUnknown, StorageUnavailable):
            return None

    with ThreadPoolExecutor(calls) as pool:
        running = [pool.submit(run) for _ in range(calls)]
    return [done.result() for done in running]


class TestCodes:
    """A code of a claim, and its attempts."""

    def test_attempts_are_counted(self, codes: Codes) -> None:
        """Each gives the code and says how many are left; then there is none any more."""
        mine, code = claim(), stored()
        codes.put(mine, code)

        given = [codes.attempt(mine, LIMIT, NOW) for _ in range(LIMIT + 2)]

        assert given == [*((code, left) for left in (4, 3, 2, 1, 0)), None, None]

    def test_nothing_was_sent(self, codes: Codes) -> None:
        """Another claim has no code, and an attempt makes none."""
        codes.put(claim(), stored())

        assert [codes.attempt(claim(), LIMIT, NOW) for _ in range(2)] == [None, None]

    def test_a_code_ends(self, codes: Codes) -> None:
        """At its time, whatever the store still holds."""
        mine, code = claim(), stored(NOW + 1)
        codes.put(mine, code)

        assert codes.attempt(mine, LIMIT, NOW) == (code, 4)
        assert codes.attempt(mine, LIMIT, NOW + 1) is None

    def test_another_code_takes_its_place(self, codes: Codes) -> None:
        """With all attempts, also where none of the one before were left; a repeat changes nothing."""
        mine, second = claim(), stored()
        codes.put(mine, stored())
        for _ in range(LIMIT):
            codes.attempt(mine, LIMIT, NOW)

        codes.put(mine, second)
        codes.put(mine, second)

        assert codes.attempt(mine, LIMIT, NOW) == (second, 4)

    def test_of_fifty_guesses_at_once_five_are_compared(self, codes: Codes) -> None:
        """No more, and each counts for itself; an attempt is lost rather than made twice."""
        mine, code = claim(), stored()
        codes.put(mine, code)

        compared = [given for given in at_once(lambda: codes.attempt(mine, LIMIT, NOW), 50) if given]
        compared += [given for given in (codes.attempt(mine, LIMIT, NOW) for _ in range(LIMIT)) if given]

        assert 1 <= len(compared) <= LIMIT
        assert {given[0] for given in compared} == {code}
        assert len({left for _, left in compared}) == len(compared)
        assert codes.attempt(mine, LIMIT, NOW) is None


class TestSpending:
    """The sum of a day."""

    def test_it_adds_up_to_the_cap(self, spending: Spending) -> None:
        """A message that fits into the rest still goes; days are apart."""
        day, other = next(_DAYS), next(_DAYS)

        spent = [spending.add(day, cents, 20) for cents in (9, 9, 9, 2, 1)]

        assert spent == [True, True, False, True, False]
        assert spending.add(other, 20, 20)

    def test_a_message_above_the_cap(self, spending: Spending) -> None:
        """Is refused on an empty day, too."""
        assert not spending.add(next(_DAYS), 21, 20)

    def test_of_sixteen_at_once_no_more_than_the_cap_are_let_pass(self, spending: Spending) -> None:
        """Whatever the order, and whoever is told to come again."""
        day, cap, cents = next(_DAYS), 45, 9

        passed = at_once(lambda: spending.add(day, cents, cap), 16).count(True)
        passed += [spending.add(day, cents, cap) for _ in range(6)].count(True)

        assert 1 <= passed <= cap // cents
        assert not spending.add(day, cents, cap)
