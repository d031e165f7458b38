"""Note the connection: one put."""

from __future__ import annotations

import os
from typing import Any

import boto3

_TABLE = os.environ["TABLE_NAME"]
_dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Let everybody in."""
    key = {"connectionId": {"S": event["requestContext"]["connectionId"]}}
    _dynamodb.put_item(TableName=_TABLE, Item=key)
    return {"statusCode": 200}
