"""Text messages by Amazon SNS."""

from __future__ import annotations

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chat.ports.codes import NotSent

_CONFIG = Config(connect_timeout=2, read_timeout=4, retries={"total_max_attempts": 1, "mode": "standard"})
"""One attempt: a repeat after a lost answer would send, and cost, twice. The handler has ten seconds."""


class SnsSender:
    """:class:`chat.ports.codes.TextSender` by ``sns:Publish`` to a phone number, as a transactional message.

    ``sender_id`` is the name that phones show in countries which allow one (1 to 11 letters and digits, at
    least one letter); empty: a number of AWS.
    """

    def __init__(self, region: str, sender_id: str) -> None:
        self._client = boto3.client("sns", region_name=region, config=_CONFIG)
        self._attributes = {"AWS.SNS.SMS.SMSType": _text("Transactional")}
        if sender_id:
            self._attributes["AWS.SNS.SMS.SenderID"] = _text(sender_id)

    def send(self, number: str, text: str) -> None:
        """See the port. That SNS took it does not mean that it arrives."""
        try:
            self._client.publish(PhoneNumber=number, Message=text, MessageAttributes=self._attributes)
        except (BotoCoreError, ClientError):
            # The cause may quote the number: nobody is to log it.
            raise NotSent from None


def _text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}
