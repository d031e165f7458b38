"""Entries as people read them."""

from __future__ import annotations

import time

from operations.entries import Entry

_HOPS = {
    "accepted": "accepted from",
    "refused": "refused from",
    "posted": "posted to",
    "gone": "410, gone:",
    "post_failed": "not posted to",
    "drained": "drained by",
    "acked": "acked by",
    "receipt_stored": "receipt stored for",
}
"""What each hop is called; the pseudonym of its device follows."""


def clock(at: int) -> str:
    """The time of day here, to the millisecond."""
    return f"{time.strftime('%H:%M:%S', time.localtime(at / 1000))}.{at % 1000:03d}"


def line(entry: Entry) -> str | None:
    """An entry as one line; None for one that only counts (the rates show it)."""
    if "_aws" in entry.fields:
        return None
    return f"{clock(entry.at)}  {entry.function:<10} {_said(entry)}"


def hop(entry: Entry, message: str) -> str | None:
    """What an entry says of one message (a pseudonym), None if nothing: ``accepted from <device>, 2 rows``.

    A receipt is called by its status: ``receipt (read) posted to <device>``.
    """
    name, device = entry.fields.get("hop"), entry.fields.get("device", "")
    if name not in _HOPS:
        return None
    for found, detail in map(_pair, entry.fields.get("messages", ())):
        if found == message:
            return f"{_HOPS[name]} {device}{_details(name, detail)}"
    for found, status in map(_pair, entry.fields.get("receipts", ())):
        if found == message:
            said = _HOPS[name].removeprefix("receipt ")
            return f"receipt {f'({status}) ' if status else ''}{said} {device}"
    return None


def _said(entry: Entry) -> str:
    fields = entry.fields
    if fields.get("hop") in _HOPS:
        messages = [
            f"{name}{_details(fields['hop'], more)}" for name, more in map(_pair, fields.get("messages", ()))
        ]
        receipts = [
            f"receipt {name}{f' ({s})' if s else ''}" for name, s in map(_pair, fields.get("receipts", ()))
        ]
        return f"{_HOPS[fields['hop']]} {fields.get('device', '')}: {'; '.join(messages + receipts)}"
    if "event" not in fields:
        return entry.text
    rest = {key: value for key, value in fields.items() if key not in ("timestamp", "level", "event")}
    level = "" if fields.get("level") == "INFO" else f"{fields.get('level', '')} "
    return f"{level}{fields['event']}: {', '.join(f'{key} {value}' for key, value in rest.items())}"


def _details(hop_name: str, detail: object) -> str:
    if hop_name == "accepted" and detail is not None:
        return f", {detail} row{'' if detail == 1 else 's'}"
    return "" if detail is None else f", {detail}"


def _pair(item: object) -> tuple[str, object]:
    """A name alone, or a name and what is said of it."""
    return (str(item[0]), item[1]) if isinstance(item, list) and len(item) == 2 else (str(item), None)
