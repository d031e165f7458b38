"""Answers with what came, by the route response."""

from __future__ import annotations

from typing import Any


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """The body of the frame is the body of the answer."""
    return {"statusCode": 200, "body": event["body"]}
