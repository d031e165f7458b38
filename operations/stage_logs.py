"""The logs of a stage in AWS: CloudWatch Logs, and the key of its pseudonyms."""

from __future__ import annotations

import time
from collections.abc import Iterator

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from operations.entries import Entry, entry

PREFIX = "/aws/lambda/"
"""What the log group of a function is called, before the name of the function."""

_MARGIN = 60_000
"""How far (ms) a client's clock may have been ahead when it made an id, amply."""


class StageUnreachable(Exception):
    """AWS did not answer as hoped; the text says what it said."""


class StageLogs:
    """What the functions of one stage logged. ``session`` and ``endpoint``: another AWS than the usual one.

    Needs ``lambda:GetFunctionConfiguration``, ``logs:DescribeLogGroups`` and ``logs:FilterLogEvents``.
    """

    def __init__(self, stage: str, session: boto3.Session | None = None, endpoint: str | None = None) -> None:
        self._stage = stage
        self._session = session or boto3.Session()
        self._endpoint = endpoint

    def key(self) -> str:
        """The key of the stage's pseudonyms, as the function ``send`` has it. Raises StageUnreachable."""
        name = f"heliograph-{self._stage}-send"
        try:
            functions = self._session.client("lambda", endpoint_url=self._endpoint)
            found = functions.get_function_configuration(FunctionName=name)
            return str(found["Environment"]["Variables"]["LOG_KEY"])
        except (BotoCoreError, ClientError, KeyError) as error:
            raise StageUnreachable(f"no key of stage {self._stage!r}: {error}") from None

    def entries(self, word: str, since: int | None) -> Iterator[Entry]:
        """Entries of all functions that hold a word, from ``since`` (ms; a day ago if None) to now.

        Function by function, so not in order of time. Raises StageUnreachable.
        """
        begin = time.time_ns() // 1_000_000 - 86_400_000 if since is None else since - _MARGIN
        try:
            logs = self._session.client("logs", endpoint_url=self._endpoint)
            prefix = f"{PREFIX}heliograph-{self._stage}-"
            for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
                for group in page["logGroups"]:
                    name = group["logGroupName"]
                    found = logs.get_paginator("filter_log_events").paginate(
                        logGroupName=name, startTime=begin, filterPattern=f'"{word}"'
                    )
                    for events in found:
                        for event in events["events"]:
                            yield entry(event["timestamp"], name.removeprefix(PREFIX), event["message"])
        except (BotoCoreError, ClientError) as error:
            raise StageUnreachable(f"the logs of stage {self._stage!r}: {error}") from None
