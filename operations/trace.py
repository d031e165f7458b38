"""The way of one message through a stage, out of what the functions logged: never its content."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from operations import words
from operations.entries import Entry
from schemas.pseudonyms import PSEUDONYM, pseudonym

_MESSAGE_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class NotAMessage(ValueError):
    """Neither the id of a message nor a pseudonym out of a log; its text says where to find one."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One thing that happened to a message."""

    at: int
    function: str
    what: str


def name_in_logs(message: str, key: str) -> str:
    """How the logs of a stage with this key call a message, given by its id or called so already.

    Raises ``NotAMessage``.
    """
    given = message.strip().lower()
    if _MESSAGE_ID.fullmatch(given):
        return pseudonym(key, given)
    if PSEUDONYM.fullmatch(given):
        return given
    raise NotAMessage(f"{message!r} is no message id. `helio history WITH --ids` shows them.")


def sent_at(message: str) -> int | None:
    """When the id was made, ms since 1970; None for a pseudonym, which does not say."""
    given = message.strip().lower()
    return int(given[:8] + given[9:13], 16) if _MESSAGE_ID.fullmatch(given) else None


def hops(entries: Iterable[Entry], name: str) -> list[Hop]:
    """What happened to a message, in order of time."""
    found = [Hop(e.at, e.function, what) for e in entries if (what := words.hop(e, name)) is not None]
    return sorted(found, key=lambda hop: hop.at)  # stable: lines of one millisecond keep their order


def report(found: list[Hop], name: str) -> list[str]:
    """The hops as lines: the time of day, ms since the first one, the function, what happened."""
    if not found:
        nothing = f"Nothing is logged of {name}. Was it sent to this stage, does the stage log traces, "
        return [nothing + "and is it younger than the logs' 14 days?"]
    first = found[0].at
    lines = [f"{words.clock(hop.at)}  +{hop.at - first:>6} ms  {hop.function:<8} {hop.what}" for hop in found]
    return [f"message {name} in the logs", *lines]
