"""What every storage port may raise, whatever stands behind it."""

from __future__ import annotations

from chat.domain.ids import AccountId


class StorageUnavailable(Exception):
    """The storage did not answer within the deadline of one statement.

    A read has no effect. A plain write may or may not be there: the caller refuses its frame, the
    client repeats it, and repeating a plain write rewrites the same row.
    """


class RowsMissing(StorageUnavailable):
    """Of rows that were written at once, those of ``accounts`` may be missing; all others are there."""

    def __init__(self, accounts: frozenset[AccountId]) -> None:
        super().__init__(f"rows of {len(accounts)} accounts")
        self.accounts = accounts


class OutcomeUnknown(Exception):
    """A conditional write was sent and nobody knows whether it was applied.

    The caller reads the row again and decides by what stands there. It never repeats the statement
    blindly: the first one may have been applied, and then the repetition is refused by its own success.
    """
