"""Forget the connection: one delete."""

from __future__ import annotations

import os
from typing import Any

import boto3

_TABLE = os.environ["TABLE_NAME"]
_dynamodb = boto3.client("dynamodb")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Where API Gateway tells of it at all; the others are found by a 410."""
    key = {"connectionId": {"S": event["requestContext"]["connectionId"]}}
    _dynamodb.delete_item(TableName=_TABLE, Key=key)
    return {"statusCode": 200}
