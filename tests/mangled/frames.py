"""Good frames made of the contract's examples, and what is done to them."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Literal

from schemas import frames
from tests.mangled import values
from tests.mangled.expected import ACTIONS, FRAME_BYTES

Way = Literal["text", "binary", "not UTF-8"]
Place = tuple[Any, Any]
"""A container and the key or index of something in it."""

_ACCOUNT = re.compile(r"0198f0a0-0000-7000-8000-[0-9a-f]{12}")
_MESSAGE = re.compile(r"0198f0b1-[0-9a-f-]{27}")
_CONVERSATION = re.compile(r"[A-Za-z0-9_-]{22}")

ENDING = 0.002
"""Of so many frames each: too large, not UTF-8, binary. They end the socket."""
GARBAGE = 0.1


@dataclass(frozen=True, slots=True)
class Cast:
    """Who a frame is about: the sending device, the accounts it may name (the own one first, each with one
    device), rows that wait for it, and the time (ms).
    """

    me: str
    accounts: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    now: int


@dataclass(frozen=True, slots=True)
class Mangled:
    """One frame: its text, or bytes where it is none; and what was done to it."""

    body: str | bytes
    how: str
    way: Way = "text"


class Mangler:
    """Makes frames. The same seed makes the same ones, but for the time in their ids."""

    def __init__(self, seed: object) -> None:
        self._rng = Random(str(seed))
        self._count = 0

    def frame(self, cast: Cast) -> Mangled:
        """The next one."""
        rng = self._rng
        self._count += 1
        chance = rng.random()
        if chance < 3 * ENDING:
            return self._ending(cast, int(chance / ENDING))
        if chance < 3 * ENDING + GARBAGE:
            return Mangled(self._garbage(), "garbage")
        frame, how = self._good(cast), []
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            change = rng.choice(_CHANGES)
            change(rng, frame)
            how.append(change.__name__)
        text = json.dumps(frame, ensure_ascii=rng.random() < 0.5)
        if rng.random() < 0.4:
            spoil = rng.choice(_SPOILERS)
            text = spoil(rng, text)
            how.append(spoil.__name__)
        return Mangled(text[: FRAME_BYTES // 4], ",".join(how))

    def good(self, cast: Cast) -> str:
        """A good frame, not mutated."""
        self._count += 1
        return json.dumps(self._good(cast))

    def _ending(self, cast: Cast, kind: int) -> Mangled:
        good = json.dumps(self._good(cast))
        if kind == 0:
            return Mangled(good[:-1] + ',"x":"' + "y" * FRAME_BYTES + '"}', "too large")
        if kind == 1:
            return Mangled(good.encode().replace(b'"', b'"\xff\xc0\x80', 1), "not UTF-8", "not UTF-8")
        return Mangled(good.encode(), "binary", "binary")

    def _garbage(self) -> str:
        rng = self._rng
        kind = rng.randrange(4)
        if kind == 0:
            return rng.choice(values.TEXTS)
        if kind == 1:
            return json.dumps(values.anything(rng))
        if kind == 2:
            return "".join(chr(rng.choice((rng.randrange(128), rng.randrange(0xD800)))) for _ in range(50))
        return "".join(rng.choice('{}[]":,0123456789.eE-+ \\utrfalsn') for _ in range(rng.randrange(200)))

    def _good(self, cast: Cast) -> dict[str, Any]:
        """One of the contract's examples with these people in it."""
        rng = self._rng
        frame: dict[str, Any] = self._played(rng.choice(_examples(rng.choice(ACTIONS))), cast)
        frame["ref"] = f"m{self._count}"
        for message in frame.get("messages", ()):
            if rng.random() < 0.8:
                message["devices"] = {"1": message["devices"]["1"]}
                message.pop("own", None)
        return frame

    def _played(self, node: Any, cast: Cast) -> Any:
        rng = self._rng
        if isinstance(node, dict):
            return {self._played(key, cast): self._played(value, cast) for key, value in node.items()}
        if isinstance(node, list):
            if len(node) == 2 and _MESSAGE.fullmatch(str(node[0])) and cast.rows and rng.random() < 0.3:
                return list(rng.choice(cast.rows))
            return [self._played(item, cast) for item in node]
        return self._said(node, cast) if isinstance(node, str) else node

    def _said(self, text: str, cast: Cast) -> str:
        """A string of an example: another id, conversation or account of the same kind, or itself."""
        if _MESSAGE.fullmatch(text):
            return self._id(cast.now)
        if _CONVERSATION.fullmatch(text):
            return _conversation(cast.accounts[0], self._rng.choice(cast.accounts))
        return _ACCOUNT.sub(lambda _: self._rng.choice(cast.accounts), text)

    def _id(self, now: int) -> str:
        """A UUIDv7 of about now."""
        value = f"{(now << 80) | (7 << 76) | (2 << 62) | self._rng.getrandbits(62):032x}"
        return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"


@cache
def _examples(action: str) -> list[dict[str, Any]]:
    examples: list[dict[str, Any]] = frames.load(action)["examples"]
    return examples


def _conversation(one: str, other: str) -> str:
    lower, higher = sorted((one, other))
    digest = hashlib.sha256(f"heliograph-conversation-v1\n{lower}\n{higher}".encode()).digest()
    return urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


# -- what is done to the object ----------------------------------------------------------------------


def _places(node: Any) -> list[Place]:
    """Every value inside a frame, by where it stands."""
    items = list(node.items() if isinstance(node, dict) else enumerate(node))
    inside = [place for _, value in items if isinstance(value, dict | list) for place in _places(value)]
    return [(node, key) for key, _ in items] + inside


def _somewhere(rng: Random, frame: dict[str, Any]) -> Place | None:
    places = _places(frame)
    return rng.choice(places) if places else None


def replaced(rng: Random, frame: dict[str, Any]) -> None:
    """Something stands where something else should."""
    if place := _somewhere(rng, frame):
        place[0][place[1]] = values.anything(rng)


def removed(rng: Random, frame: dict[str, Any]) -> None:
    """Something is missing."""
    if place := _somewhere(rng, frame):
        del place[0][place[1]]


def wrapped(rng: Random, frame: dict[str, Any]) -> None:
    """A value in a list, in an object, as text; or a list's only item without it."""
    if place := _somewhere(rng, frame):
        value = place[0][place[1]]
        forms: list[Any] = [[value], {"x": value}, json.dumps(value), [value, value]]
        place[0][place[1]] = rng.choice(forms)


def renamed(rng: Random, frame: dict[str, Any]) -> None:
    """A name in wrong case, with a look-alike, or quite another."""
    objects = [place[0] for place in _places(frame) if isinstance(place[0], dict)]
    if objects:
        chosen = rng.choice(objects)
        key = rng.choice(list(chosen))
        names = [str(key).upper(), f"{key} ", str(key).replace("e", "\u0435"), rng.choice(values.NAMES)]
        chosen[rng.choice(names)] = chosen.pop(key)


def multiplied(rng: Random, frame: dict[str, Any]) -> None:
    """A list as long as it may be, and longer."""
    lists = [place[0] for place in _places(frame) if isinstance(place[0], list)]
    if lists:
        chosen = rng.choice(lists)
        chosen[:] = (chosen * rng.choice((2, 17, 51, 257)))[:300]


def forged(rng: Random, frame: dict[str, Any]) -> None:
    """The wrong action, ref or version, or the name of somebody else."""
    what = rng.choice(("action", "action", "action", "ref", "ref", "sender"))
    wrong = (
        "SEND",
        "Send ",
        "s\u0435nd",
        "typing",
        "presence",
        "connect",
        "",
        None,
        7,
        ["send"],
        {"send": 1},
    )
    frame[what] = rng.choice(wrong) if what == "action" else values.anything(rng)


def shaken(rng: Random, frame: dict[str, Any]) -> None:
    """Some characters of a string are others."""
    strings = [place for place in _places(frame) if isinstance(place[0][place[1]], str)]
    if strings:
        holder, key = rng.choice(strings)
        text = list(holder[key])
        for _ in range(min(len(text), rng.choice((1, 1, 2, 8)))):
            text[rng.randrange(len(text))] = rng.choice("0aAz-_:.+/= \n\x00\u0430\u00fc\uff11")
        holder[key] = "".join(text)


# -- what is done to the text ------------------------------------------------------------------------


def cut(rng: Random, text: str) -> str:
    """The end is missing."""
    return text[: rng.randrange(len(text))]


def flipped(rng: Random, text: str) -> str:
    """Some characters are others, anywhere."""
    letters = list(text)
    for _ in range(rng.choice((1, 2, 5))):
        letters[rng.randrange(len(letters))] = chr(rng.randrange(128))
    return "".join(letters)


def doubled(rng: Random, text: str) -> str:
    """A name stands twice in an object."""
    names = list(re.finditer(r'"[a-z]+":', text))
    if not names:
        return text
    name = rng.choice(names)
    return f"{text[: name.start()]}{name[0]}{json.dumps(values.anything(rng))},{text[name.start() :]}"


def unreal(rng: Random, text: str) -> str:
    """A number that is none, or a scrap of JSON, where a value stood."""
    spots = list(re.finditer(r': ("[^"]*"|[0-9]+)', text))
    if not spots:
        return text
    spot = rng.choice(spots)
    scrap = rng.choice((*values.BROKEN_NUMBERS, *values.SCRAPS))
    return f"{text[: spot.start()]}: {scrap}{text[spot.end() :]}"


def prefixed(rng: Random, text: str) -> str:
    """Something before or behind the frame."""
    odd = rng.choice(("\ufeff", "\x00", ")]}',\n", "//", "{}", ",", "\n" * 100))
    return odd + text if rng.random() < 0.5 else text + odd


_CHANGES: tuple[Callable[[Random, dict[str, Any]], None], ...] = (
    replaced, replaced, removed, wrapped, renamed, multiplied, forged, shaken, shaken,
)  # fmt: skip
_SPOILERS: tuple[Callable[[Random, str], str], ...] = (cut, flipped, doubled, unreal, prefixed)
