"""Log lines. Fields are named one by one, so that no content, token or URL gets in by accident."""

from __future__ import annotations

import traceback
from functools import cache

from aws_lambda_powertools import Logger


@cache
def _logger() -> Logger:
    return Logger()


def failed(route: str, correlation: str, error: BaseException) -> None:
    """An unexpected exception: its type and where it happened. Not its text, which may quote input."""
    places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    _logger().error(
        "unexpected",
        extra={"route": route, "correlation": correlation, "error": type(error).__name__, "at": places},
    )


def unavailable(route: str, error: BaseException) -> None:
    """Storage did not answer."""
    _logger().warning("storage unavailable", extra={"route": route, "error": type(error).__name__})


def code_sent(prefix: str, cents: int) -> None:
    """A text message was handed over, and what it cost. Not to whom."""
    _logger().info("code sent", extra={"country": prefix, "cents": cents})


def refused(route: str, code: str) -> None:
    """A request that was answered with an error code."""
    _logger().info("refused", extra={"route": route, "code": code})
