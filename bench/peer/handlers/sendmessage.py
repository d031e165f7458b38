"""Send one text to everybody who is connected: a scan, then a post each, the sender's own included.

A frame with ``count`` also prints what AWS would bill for it, as one JSON line of the function's log.
"""

from __future__ import annotations

import json
import os
from typing import Any

import boto3

_TABLE = os.environ["TABLE_NAME"]
_dynamodb = boto3.client("dynamodb")
_gateway = boto3.client("apigatewaymanagementapi")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """One post after the other: for two clients that is quicker in Python than threads, as measured."""
    frame = json.loads(event["body"])
    found = _dynamodb.scan(
        TableName=_TABLE, ProjectionExpression="connectionId", ReturnConsumedCapacity="TOTAL"
    )
    data = frame["data"].encode()
    live = [_post(item["connectionId"], data) for item in found["Items"]]
    if frame.get("count"):
        units = found["ConsumedCapacity"]["CapacityUnits"]
        print(json.dumps({"reads": units, "posts": live.count(True), "writes": live.count(False)}))
    return {"statusCode": 200}


def _post(key: dict[str, str], data: bytes) -> bool:
    """Whether the connection is still there; the row of one that is not goes."""
    try:
        _gateway.post_to_connection(ConnectionId=key["S"], Data=data)
    except _gateway.exceptions.GoneException:
        _dynamodb.delete_item(TableName=_TABLE, Key={"connectionId": key})
        return False
    return True
