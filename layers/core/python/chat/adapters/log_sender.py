"""Text messages that nobody sends: they stand in the log of the local cloud, for its user to read."""

from __future__ import annotations

from chat import observability


class LogSender:
    """:class:`chat.ports.codes.TextSender`. ``chat.settings`` refuses it for every stage but ``local``."""

    def send(self, number: str, text: str) -> None:
        """See the port. Never fails."""
        observability.text_message(number, text)
