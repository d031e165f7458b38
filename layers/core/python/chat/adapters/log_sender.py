"""Text messages that nobody sends: they stand in the log of the local cloud, for its user to read."""

from __future__ import annotations

from aws_lambda_powertools import Logger


class LogSender:
    """:class:`chat.ports.codes.TextSender`. ``chat.settings`` refuses it for every stage but ``local``."""

    def __init__(self) -> None:
        self._logger = Logger()

    def send(self, number: str, text: str) -> None:
        """See the port. Never fails."""
        self._logger.info("text message", extra={"to": number, "text": text})
