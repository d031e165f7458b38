"""Frames of the socket: text to commands, outcomes to text. The one place that knows their JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from chat.domain import base64url
from chat.domain.devices import LAST_DEVICE
from chat.domain.events import DeviceListChanged, Event, KeysLow, MessageEvent, ReceiptEvent
from chat.domain.ids import AccountId, ConversationId, DeviceId, MessageId, MessageName
from chat.errors import ChatError, Code
from chat.usecases.discovery import EVENT_FRAME_BYTES, FRAME_BYTES
from chat.usecases.receipts import Ack
from chat.usecases.send import OutgoingMessage, SendOutcome
from chat.usecases.sync import Page, SyncRequest
from chat.wire import json_text, validation

_ENVELOPE_BYTES = len('{"events":[]}')


NAMES_PER_TOKEN = 32
"""Of the names that a frame acknowledges so many cost one token of the frame's limiter."""


@dataclass(frozen=True, slots=True)
class SendFrame:
    """``send``: messages, and an ack that rides along. ``tokens``: what a frame costs of its limiter."""

    ref: str
    messages: tuple[OutgoingMessage, ...]
    ack: Ack | None

    @property
    def tokens(self) -> int:
        """One a message, and the ack's."""
        return len(self.messages) + _ack_tokens(self.ack)


@dataclass(frozen=True, slots=True)
class AckFrame:
    """``ack``."""

    ref: str
    ack: Ack

    @property
    def tokens(self) -> int:
        """One, and the ack's."""
        return 1 + _ack_tokens(self.ack)


@dataclass(frozen=True, slots=True)
class SyncFrame:
    """``sync``."""

    ref: str
    request: SyncRequest

    @property
    def tokens(self) -> int:
        """One, and the ack's."""
        return 1 + _ack_tokens(self.request.ack)


class Refused(Exception):
    """A frame that is refused as a whole, with its ref where that could be read."""

    tokens = 1

    def __init__(self, ref: str | None, error: ChatError) -> None:
        super().__init__(error.code)
        self.ref = ref
        self.error = error


def parse_send(text: str) -> SendFrame:
    """The ``send`` frame in ``text``. Raises Refused."""
    raw = _object(text, "send")
    try:
        return SendFrame(raw["ref"], tuple(_message(m) for m in raw["messages"]), _ack(raw.get("ack")))
    except ChatError as error:
        raise Refused(raw["ref"], error) from None


def parse_ack(text: str) -> AckFrame:
    """The ``ack`` frame in ``text``. Raises Refused."""
    raw = _object(text, "ack")
    return AckFrame(raw["ref"], _ack(raw["ack"]) or Ack())


def parse_sync(text: str) -> SyncFrame:
    """The ``sync`` frame in ``text``. Raises Refused."""
    raw = _object(text, "sync")
    unreceipted = {AccountId(account): _names(names) for account, names in raw.get("unreceipted", {}).items()}
    request = SyncRequest(
        token=raw.get("token"),
        mark=int(raw.get("mark", 0)),
        have=frozenset(_names(raw.get("have", ()))),
        unreceipted=unreceipted,
        ack=_ack(raw.get("ack")),
        keys=raw.get("keys", False),
    )
    return SyncFrame(raw["ref"], request)


def parse_unknown(text: str) -> Refused:
    """What to answer a frame that no route took: not readable, or an action that does not exist."""
    try:
        raw = _read(text)
    except Refused as refused:
        return refused
    return Refused(_ref(raw), ChatError(Code.UNKNOWN_ACTION if "action" in raw else Code.BAD_FRAME))


def error_frame(ref: str | None, error: ChatError) -> str:
    """``{"ref", "error"}``."""
    return json_text.dump({"ref": ref, "error": error.as_json()})


def send_answer(ref: str, outcome: SendOutcome, now: int) -> str:
    """One result a message."""
    results: list[dict[str, Any]] = [
        {"id": result.id, "accepted": True}
        if result.error is None
        else {"id": result.id, "error": result.error.as_json()}
        for result in outcome.results
    ]
    return json_text.dump({"ref": ref, "time": now, "results": results, **_ack_error(outcome.ack_error)})


def sync_answer(ref: str, page: Page, previous_connect: int) -> str | None:
    """One page; None where the socket is being closed instead."""
    answer: dict[str, Any] = {
        "ref": ref,
        "events": [event_object(event) for event in page.events],
        "previous_connect": previous_connect,
    }
    if page.token is not None:
        answer["token"] = page.token
    elif page.caught_up is not None:
        answer["caught_up"] = {
            "time": page.caught_up.time,
            "mark": page.caught_up.mark,
            "previous_connect": previous_connect,
            "device_list_version": page.caught_up.device_list_version,
        }
        if page.caught_up.keys is not None:
            answer["caught_up"]["keys"] = asdict(page.caught_up.keys)
    else:
        return None
    return json_text.dump({**answer, **_ack_error(page.ack_error)})


def event_object(event: Event) -> dict[str, Any]:
    """One event as JSON."""
    if isinstance(event, MessageEvent):
        return {
            "type": "message",
            "id": event.name.id,
            "sender": event.name.sender,
            "to": event.to,
            "ciphertext": base64url.encode(event.ciphertext),
        }
    if isinstance(event, ReceiptEvent):
        receipt = {"type": "receipt", "status": event.status.value, "by": event.by, "messages": event.names}
        return {**receipt, "row": event.row} if event.row else receipt
    if isinstance(event, DeviceListChanged):
        return {"type": "device_list_changed", "account": event.account, "version": event.version}
    if isinstance(event, KeysLow):
        return {"type": "keys_low", **asdict(event)}
    closed = {"type": "session_closed", "reason": event.reason}
    return closed if event.retry_after is None else {**closed, "retry_after": event.retry_after}


def size_of(event: Event) -> int:
    """Bytes of an event in a frame, with its comma."""
    return len(json_text.dump(event_object(event))) + 1


def event_frames(events: Sequence[Event]) -> list[bytes]:
    """As few frames as possible, in order, none above 32 KB.

    One event fits always: a ciphertext is at most 8 KiB; the largest receipt, 512 names, is about 48 KB and
    is cut.
    """
    frames: list[list[str]] = [[]]
    room = EVENT_FRAME_BYTES - _ENVELOPE_BYTES
    for event in events:
        for text in _texts(event):
            if len(text) + 1 > room and frames[-1]:
                frames.append([])
                room = EVENT_FRAME_BYTES - _ENVELOPE_BYTES
            frames[-1].append(text)
            room -= len(text) + 1
    return [f'{{"events":[{",".join(texts)}]}}'.encode() for texts in frames if texts]


def _texts(event: Event) -> list[str]:
    text = json_text.dump(event_object(event))
    if len(text) <= EVENT_FRAME_BYTES - _ENVELOPE_BYTES or not isinstance(event, ReceiptEvent):
        return [text]
    half = len(event.names) // 2
    return [
        part
        for names in (event.names[:half], event.names[half:])
        for part in _texts(ReceiptEvent(event.status, event.by, names, event.row))
    ]


def _object(text: str, frame: str) -> dict[str, Any]:
    raw = _read(text)
    try:
        validation.check(frame, raw, Code.BAD_FRAME)
    except ChatError as error:
        raise Refused(_ref(raw), error) from None
    return raw


def _read(text: str) -> dict[str, Any]:
    if len(text) > FRAME_BYTES:
        raise Refused(None, ChatError(Code.TOO_LARGE, details={"frame_bytes": FRAME_BYTES}))
    try:
        raw = json_text.parse(text)
    except ValueError:
        raise Refused(None, ChatError(Code.BAD_FRAME, details={"rule": "json"})) from None
    if not isinstance(raw, dict):
        raise Refused(None, ChatError(Code.BAD_FRAME, details={"rule": "type"}))
    return raw


def _ref(raw: dict[str, Any]) -> str | None:
    """The ref, if it is one: it is echoed, so nothing else may pass."""
    try:
        validation.check_type("ref", raw.get("ref"), Code.BAD_FRAME)
    except ChatError:
        return None
    return raw.get("ref")


def _message(raw: dict[str, Any]) -> OutgoingMessage:
    return OutgoingMessage(
        id=MessageId(raw["id"]),
        to=AccountId(raw["to"]),
        devices=_ciphertexts(raw["devices"]),
        own=_ciphertexts(raw.get("own", {})),
        expires=raw.get("expires", "30d"),
    )


def _ciphertexts(raw: dict[str, str]) -> dict[DeviceId, bytes]:
    """By device. Says itself what the schema's patterns cannot: the highest number, and unused bits."""
    if any(int(device) > LAST_DEVICE for device in raw):
        raise ChatError(Code.BAD_FRAME, details={"rule": "maximum"})
    try:
        return {DeviceId(int(device)): base64url.decode(text) for device, text in raw.items()}
    except ValueError:
        raise ChatError(Code.BAD_FRAME, details={"rule": "base64url"}) from None


def _ack(raw: dict[str, Any] | None) -> Ack | None:
    if raw is None:
        return None
    return Ack(
        delivered=_names(raw.get("delivered", ())),
        read=_by_conversation(raw.get("read", {})),
        read_receipts=_by_conversation(raw.get("read_receipts", {})),
        quiet=_names(raw.get("quiet", ())),
    )


def _by_conversation(
    raw: Mapping[str, Sequence[Sequence[str]]],
) -> dict[ConversationId, tuple[MessageName, ...]]:
    return {ConversationId(conversation): _names(names) for conversation, names in raw.items()}


def _ack_tokens(ack: Ack | None) -> int:
    if ack is None:
        return 0
    names = len(ack.delivered) + len(ack.quiet) + len(ack.shown)
    return names // NAMES_PER_TOKEN


def _names(raw: Sequence[Sequence[str]]) -> tuple[MessageName, ...]:
    return tuple(MessageName(MessageId(name[0]), name[1]) for name in raw)


def _ack_error(error: ChatError | None) -> dict[str, Any]:
    return {} if error is None else {"ack_error": error.as_json()}
