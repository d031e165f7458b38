"""What is said about a command line that cannot be carried out."""

from __future__ import annotations


class UsageError(Exception):
    """The command line cannot be carried out as it stands; exit code 2.

    `next_command` is what to type instead.
    """

    def __init__(self, message: str, next_command: str) -> None:
        super().__init__(message)
        self.next_command = next_command
