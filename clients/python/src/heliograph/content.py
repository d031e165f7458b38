"""What travels inside a ciphertext: one compact JSON object a message, of one of a few kinds.

Names are written short, so that all kinds with ordinary members fit into the smallest padded plaintext and
look alike from outside: UUIDs and logical ids as 22 characters of base64url.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, NoReturn

from heliograph.errors import DecryptionFailed
from heliograph.ids import (
    AccountId,
    Address,
    ConversationId,
    LogicalId,
    MessageId,
    account_of,
    address,
    base64url,
    conversation_id,
    device_of,
    from_base64url,
)

CONTENT_VERSION = 1
MAX_CONTENT_BYTES = 8192
"""More than any ciphertext can hold."""

VISIBLE = frozenset({"text", "reply", "unsupported"})
"""Kinds that a conversation shows; the others change what it shows, or are for the device alone."""
AIMED = frozenset({"edit", "reaction", "delete"})
"""Kinds that change another message."""
TEXTS = frozenset({"text", "reply", "edit"})
KINDS = TEXTS | AIMED | {"timer", "repair", "secrets", "hello"}
LIFETIMES = {"1h": 3_600_000, "1d": 86_400_000, "7d": 7 * 86_400_000, "30d": 30 * 86_400_000}
"""Classes of how long a message stays, in ms; without one it does not disappear."""

MAX_MENTIONS = 64
MAX_EMOJI_POINTS = 16
MAX_NAMES = 100
MAX_SECRET_CHARACTERS = 512
MAX_TIME = 1 << 48

_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}")
_CONVERSATION = re.compile(r"[A-Za-z0-9_-]{22}")


class Target(NamedTuple):
    """The message that another one is about: who wrote it, and the id inside its ciphertext."""

    account: AccountId
    logical_id: LogicalId


class Mention(NamedTuple):
    """A part of a text that names an account; counted in code points."""

    start: int
    length: int
    account: AccountId


@dataclass(frozen=True, slots=True)
class Content:
    """What travels inside a ciphertext.

    The conversation is inside too, so a server cannot move a message into another one.

    Attributes:
        logical_id: Stays the same over retries; with the sender's account it names the message.
        text: Of `text`, `reply` and `edit`.
        conversation: Where it belongs.
        sent_at: When it was written, ms since 1970, by the sender's clock.
        kind: One of `KINDS`, or `unsupported`: a later version made it.
        mentions: Accounts that the text names.
        target: What a `reply`, `edit`, `reaction` or `delete` is about.
        emoji: Of a `reaction`; empty takes it back.
        expires: Of a `timer` the new class of the conversation; of others how long the message stays.
        names: Of a `repair`: messages to send again, as (id, sender).
        account_secret: Of `secrets`.
        verified: Of `secrets`: (account, what was verified).
        raw: An `unsupported` content as it came.
    """

    logical_id: LogicalId
    text: str = field(repr=False)
    conversation: ConversationId
    sent_at: int
    kind: str = "text"
    mentions: tuple[Mention, ...] = field(default=(), repr=False)
    target: Target | None = None
    emoji: str = field(default="", repr=False)
    expires: str = ""
    names: tuple[tuple[MessageId, Address], ...] = ()
    account_secret: str = field(default="", repr=False)
    verified: tuple[tuple[AccountId, str], ...] = field(default=(), repr=False)
    raw: str = field(default="", repr=False)

    def encode(self) -> bytes:
        """Write it as JSON; an unsupported one as it came."""
        if self.kind == "unsupported":
            return self.raw.encode()
        body: dict[str, Any] = {
            "v": CONTENT_VERSION,
            "logical_id": base64url(bytes.fromhex(self.logical_id)),
            "kind": self.kind,
            "conversation": self.conversation,
            "sent_at": self.sent_at,
        }
        if self.target is not None:
            name = [_short(self.target.account), base64url(bytes.fromhex(self.target.logical_id))]
            body["to" if self.kind == "reply" else "target"] = name
        if self.kind in TEXTS:
            body["text"] = self.text
        if self.kind == "reaction":
            body["emoji"] = self.emoji
        body |= self._extras()
        if self.expires or self.kind == "timer":
            body["expires"] = self.expires
        return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

    def extras(self) -> str | None:
        """Write what is neither a name nor a text, for the store; None where there is nothing."""
        extras = self._extras()
        return json.dumps(extras, ensure_ascii=False, separators=(",", ":")) if extras else None

    def with_extras(self, extras: str | None) -> Content:
        """Give this content with what `extras` wrote."""
        return replace(self, **_extras(self.kind, json.loads(extras))) if extras else self

    def _extras(self) -> dict[str, Any]:
        match self.kind:
            case "repair":
                return {"names": [[_short(i), _short_address(sender)] for i, sender in self.names]}
            case "secrets":
                verified = [[_short(account), what] for account, what in self.verified]
                return {"account_secret": self.account_secret, "verified": verified}
            case "unsupported":
                return {"raw": self.raw}
        if self.mentions:
            return {"mentions": [[m.start, m.length, _short(m.account)] for m in self.mentions]}
        return {}

    @classmethod
    def decode(cls, plaintext: bytes, sender: Address, to: AccountId) -> Content:
        """Read it and check that it belongs to the conversation of sender and recipient.

        Members that are not known are ignored; a kind or version that is not known gives an `unsupported`
        content, so that a later version of this device can still show it.

        Raises:
            DecryptionFailed: It has another shape, is too large, or belongs elsewhere.
        """
        try:
            content = _read(plaintext)
        except (ValueError, KeyError, TypeError, RecursionError) as problem:
            # The class alone: the text of a KeyError or ValueError may quote what was encrypted.
            raise DecryptionFailed(f"the content has another shape: {type(problem).__name__}") from None
        if content.conversation != conversation_id(account_of(sender), to):
            raise DecryptionFailed("the content belongs to another conversation")
        return content

    def check(self) -> None:
        """Check what a caller or a sender is free to choose.

        Raises:
            ValueError: A mention lies outside of the text or overlaps another one, the emoji is none, or
                there is too much of something.
        """
        self.text.encode()
        _check_mentions(self.text, self.mentions)
        if self.emoji:
            _check_emoji(self.emoji)
        if self.expires and self.expires not in LIFETIMES:
            raise ValueError("a message stays 1h, 1d, 7d or 30d")
        if len(self.names) > MAX_NAMES or len(self.verified) > MAX_NAMES:
            raise ValueError(f"more than {MAX_NAMES} names")


def _read(plaintext: bytes) -> Content:
    if len(plaintext) > MAX_CONTENT_BYTES:
        raise ValueError("too large")
    raw = plaintext.decode()
    body = json.loads(raw, parse_constant=_no_constant)
    if not isinstance(body, dict):
        raise TypeError("an object was expected")
    version, kind = _integer(body["v"], MAX_TIME), _matching(_KIND, body["kind"])
    if version < CONTENT_VERSION:
        raise ValueError("no such version")
    base: dict[str, Any] = {
        "logical_id": LogicalId(_sixteen(body["logical_id"]).hex()),
        "conversation": ConversationId(_matching(_CONVERSATION, body["conversation"])),
        "sent_at": _integer(body["sent_at"], MAX_TIME),
    }
    if version > CONTENT_VERSION or kind not in KINDS:
        return Content(text="", kind="unsupported", raw=raw, **base)
    content = Content(
        text=_text(body["text"]) if kind in TEXTS else "",
        kind=kind,
        target=_target(body["to" if kind == "reply" else "target"]) if kind in AIMED | {"reply"} else None,
        emoji=_text(body["emoji"]) if kind == "reaction" else "",
        expires=_text(body["expires"] if kind == "timer" else body.get("expires", "")),
        **base,
        **_extras(kind, body),
    )
    content.check()
    return content


def _target(value: object) -> Target:
    account, logical_id = _list(value, 2)
    return Target(AccountId(_long(account)), LogicalId(_sixteen(logical_id).hex()))


def _extras(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    if kind in TEXTS:
        return _mentions(body)
    return _EXTRAS[kind](body) if kind in _EXTRAS else {}


def _mentions(body: dict[str, Any]) -> dict[str, Any]:
    entries = _list(body.get("mentions", []), MAX_MENTIONS)
    return {"mentions": tuple(Mention(_whole(s), _whole(n), AccountId(_long(a))) for s, n, a in entries)}


def _names(body: dict[str, Any]) -> dict[str, Any]:
    names = _list(body["names"], MAX_NAMES)
    return {"names": tuple((MessageId(_long(i)), _long_address(sender)) for i, sender in names)}


def _secrets(body: dict[str, Any]) -> dict[str, Any]:
    verified = _list(body.get("verified", []), MAX_NAMES)
    return {
        "account_secret": _secret(body["account_secret"]),
        "verified": tuple((AccountId(_long(account)), _secret(what)) for account, what in verified),
    }


_EXTRAS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "repair": _names,
    "secrets": _secrets,
    "unsupported": lambda body: {"raw": _text(body["raw"])},
}


def _check_mentions(text: str, mentions: tuple[Mention, ...]) -> None:
    if len(mentions) > MAX_MENTIONS:
        raise ValueError(f"more than {MAX_MENTIONS} mentions")
    end = 0
    for mention in mentions:
        if mention.start < end or mention.length < 1 or mention.start + mention.length > len(text):
            raise ValueError("a mention lies outside of the text, or overlaps the one before")
        end = mention.start + mention.length


def _check_emoji(emoji: str) -> None:
    emoji.encode()
    # Joiners and variation selectors belong to emoji, so `isprintable` would refuse too much.
    plain = emoji.isascii() or any(letter.isspace() or letter < " " for letter in emoji)
    if plain or len(emoji) > MAX_EMOJI_POINTS:
        raise ValueError("a reaction is one emoji")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text was expected")
    value.encode()
    return value


def _secret(value: object) -> str:
    if len(text := _text(value)) > MAX_SECRET_CHARACTERS:
        raise ValueError("too long")
    return text


def _matching(shape: re.Pattern[str], value: object) -> str:
    if not shape.fullmatch(text := _text(value)):
        raise ValueError("another shape")
    return text


def _integer(value: object, most: int) -> int:
    if type(value) is not int or not 0 <= value < most:
        raise TypeError("a whole number was expected")
    return value


def _whole(value: object) -> int:
    return _integer(value, MAX_CONTENT_BYTES)


def _list(value: object, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise TypeError("a list was expected")
    return value


def _sixteen(value: object) -> bytes:
    """Read 16 bytes; one text for one value, so that nothing has two names."""
    data = from_base64url(text := _text(value))
    if len(data) != 16 or base64url(data) != text:
        raise ValueError("16 bytes were expected")
    return data


def _short(name: str) -> str:
    return base64url(uuid.UUID(name).bytes)


def _long(value: object) -> str:
    return str(uuid.UUID(bytes=_sixteen(value)))


def _short_address(sender: Address) -> str:
    return f"{_short(account_of(sender))}:{device_of(sender)}"


def _long_address(value: object) -> Address:
    account, _, device = _text(value).partition(":")
    if not re.fullmatch(r"[1-9][0-9]{0,8}", device):
        raise ValueError("a device was expected")
    return address(AccountId(_long(account)), int(device))
