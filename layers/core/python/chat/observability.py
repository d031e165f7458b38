"""All that is logged: one function an event, fields named one by one, so that nothing gets in by accident.

No content, ciphertext, token, signature, handle, URL or exception text. Ids of messages and devices stand as
pseudonyms (``schemas.pseudonyms``): hops of one message can be found, nobody can be looked up.

A line is JSON on standard output, as Lambda's JSON format wants it (``timestamp``, ``level``). Hops are
logged where the stage wants traces, metrics where it has an interval for them (``infra/stages.py``).
"""

from __future__ import annotations

import functools
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from chat.domain.events import Event, MessageEvent, ReceiptEvent
from chat.domain.ids import Address, MessageId, MessageName
from chat.errors import Code
from chat.metrics import Metrics
from chat.ports.sockets import Outcome
from chat.ports.storage import OutcomeUnknown, StorageUnavailable
from chat.settings import LogSettings
from schemas.pseudonyms import pseudonym

Handler = TypeVar("Handler", bound=Callable[..., Any])

_METRIC_OF_REFUSAL: Mapping[Code, str] = {
    Code.RATE_LIMITED: "refused_rate_limited",
    Code.ID_STALE: "refused_stale",
    Code.ID_AHEAD: "refused_stale",
    Code.DEVICE_LIST_STALE: "refused_stale",
    Code.INTERNAL: "refused_internal",
}
"""Every other code is ``refused_other``: many codes would be many metrics."""

_METRIC_OF_OUTCOME: Mapping[Outcome, str] = {
    Outcome.DELIVERED: "posted",
    Outcome.GONE: "gone",
    Outcome.FAILED: "post_failed",
}

_encode = json.JSONEncoder(separators=(",", ":")).encode


class InvocationFailed(Exception):
    """Ends an invocation that met an unexpected exception; its text holds only a correlation id."""


# -- hops of messages ------------------------------------------------------------------------------


def accepted(sender: Address, rows: Mapping[MessageId, int]) -> None:
    """``send`` stored messages: each with its number of rows."""
    _count("accepted", len(rows))
    if rows and _settings().traces:
        _hop("accepted", sender, messages=[[_name(message), number] for message, number in rows.items()])


def not_accepted(sender: Address, codes: Mapping[MessageId, Code]) -> None:
    """``send`` refused messages: each with its code."""
    for code in codes.values():
        _count(_METRIC_OF_REFUSAL.get(code, "refused_other"))
    if codes and _settings().traces:
        _hop("refused", sender, messages=[[_name(message), code] for message, code in codes.items()])


def posted(to: Address, events: Sequence[Event], outcomes: Collection[Outcome]) -> None:
    """Events were posted to a socket of a device, in frames with these outcomes.

    What one frame met the later ones of its socket met, too: the hop is the worst.
    """
    for outcome in outcomes:
        _count(_METRIC_OF_OUTCOME[outcome])
    if not _settings().traces:
        return
    messages = [_name(event.name.id) for event in events if isinstance(event, MessageEvent)]
    receipts = _of_receipts(events)
    worst = next((o for o in (Outcome.GONE, Outcome.FAILED) if o in outcomes), Outcome.DELIVERED)
    if messages or receipts:
        _hop(_METRIC_OF_OUTCOME[worst], to, messages=messages, receipts=receipts)


def stored_receipt(to: Address, names: Iterable[MessageName]) -> None:
    """A receipt for a device without a socket became a row."""
    if _settings().traces:
        _hop("receipt_stored", to, receipts=[_name(name.id) for name in names])


def drained(device: Address, events: Sequence[Event], *, is_full: bool) -> None:
    """A page of ``sync``; ``is_full`` if more rows wait."""
    _count("drained", len(events))
    _count("full_pages", int(is_full))
    if events and _settings().traces:
        messages = [_name(event.name.id) for event in events if isinstance(event, MessageEvent)]
        _hop("drained", device, messages=messages, receipts=_of_receipts(events))


def acked(device: Address, names: Collection[MessageName]) -> None:
    """A device's rows were removed because it acknowledged them, in whichever frame."""
    _count("acked", len(names))
    if names and _settings().traces:
        _hop("acked", device, messages=[_name(name.id) for name in names])


def accept_took(milliseconds: int) -> None:
    """How long a ``send`` frame took since the gateway had it."""
    if metrics := _metrics():
        metrics.accept_took(max(0, milliseconds), _now())


# -- what goes wrong -------------------------------------------------------------------------------


def refused(route: str, code: Code, device: Address | None = None) -> None:
    """A frame, request or handshake that was answered with an error code."""
    _count(_METRIC_OF_REFUSAL.get(code, "refused_other"))
    who = {"device": _name(str(device))} if device and _settings().key else {}
    _write("INFO", event="refused", route=route, code=code, **who)


def failed(route: str, correlation: str, error: BaseException) -> None:
    """An unexpected exception: its type and where it happened. Not its text, which may quote input."""
    places = [f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    _write(
        "ERROR",
        event="unexpected",
        route=route,
        correlation=correlation,
        error=type(error).__name__,
        at=places,
    )


def unavailable(route: str, error: BaseException) -> None:
    """Storage did not answer."""
    _write("WARN", event="storage unavailable", route=route, error=type(error).__name__)


def storage_retried() -> None:
    """A statement is sent again."""
    _count("storage_retries")


def storage_gave_up() -> None:
    """A statement was given up, or its outcome is unknown."""
    _count("storage_unavailable")


def not_posted(reason: str) -> None:
    """The gateway did not take a frame. ``reason``: a method and a status, or the type of an exception."""
    _write("WARN", event="not posted", reason=reason)


# -- text messages ---------------------------------------------------------------------------------


def code_sent(prefix: str, cents: int) -> None:
    """A text message was handed over, and what it cost. Not to whom."""
    _write("INFO", event="code sent", country=prefix, cents=cents)


def text_message(number: str, text: str) -> None:
    """The text message itself, for the user of a laptop, whose phone this log is."""
    _write("INFO", event="text message", to=number, text=text)


# -- invocations -----------------------------------------------------------------------------------


def observed(function: str, handler: Handler) -> Handler:
    """The handler of a function, with its metrics written at the end of each invocation.

    An exception ends the invocation without its text and its trace, which Lambda would log and which may
    quote input: as ``InvocationFailed``, or as the same empty exception where storage failed.
    """

    @functools.wraps(handler)
    def watched(event: Any, context: Any) -> Any:
        try:
            return handler(event, context)
        except (StorageUnavailable, OutcomeUnknown) as error:
            unavailable(function, error)
            failure: Exception = type(error)()
        except Exception as error:  # noqa: BLE001, the boundary
            failure = InvocationFailed(correlation := os.urandom(16).hex())
            failed(function, correlation, error)
        finally:
            _flush()
        raise failure  # out here it has no context, which would be shown with it

    return watched  # type: ignore[return-value]


def _flush() -> None:
    metrics = _metrics()
    if metrics is not None and (line := metrics.line(_now())) is not None:
        _print(line)


@cache
def _settings() -> LogSettings:
    return LogSettings.from_env(os.environ)


@cache
def _metrics() -> Metrics | None:
    settings = _settings()
    return None if settings.metrics_seconds is None else Metrics(settings.stage, settings.metrics_seconds)


def _count(name: str, number: int = 1) -> None:
    if metrics := _metrics():
        metrics.count(name, number, _now())


def _hop(hop: str, device: Address, **what: list[Any]) -> None:
    named = {kind: names for kind, names in what.items() if names}
    _write("INFO", hop=hop, device=_name(str(device)), **named)


def _of_receipts(events: Iterable[Event]) -> list[list[str]]:
    return [
        [_name(name.id), event.status]
        for event in events
        if isinstance(event, ReceiptEvent)
        for name in event.names
    ]


def _name(text: str) -> str:
    return pseudonym(_settings().key, text)


def _write(level: str, **fields: Any) -> None:
    seconds, milliseconds = divmod(_now(), 1_000)
    _print({"timestamp": f"{_text_of(seconds)}.{milliseconds:03d}Z", "level": level, **fields})


def _print(line: Mapping[str, Any]) -> None:
    """One write a line: those of threads do not mix, and none is lost when the process dies."""
    sys.stdout.write(_encode(line) + "\n")
    sys.stdout.flush()


@functools.lru_cache(maxsize=1)
def _text_of(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def _now() -> int:
    return time.time_ns() // 1_000_000
