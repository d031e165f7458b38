"""Phones of people who register with their number: the log of the local cloud shows their messages."""

from __future__ import annotations

import json
import re
import secrets
from pathlib import Path

from tests.e2e.client import Device, Json
from tests.waiting import until


class Phones:
    """Every phone there is. What was sent before an object was made is not seen by it."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._start = log.stat().st_size if log.exists() else 0

    @staticmethod
    def number() -> str:
        """A number that nobody has: the digits behind +1 are drawn."""
        return f"+1{secrets.choice('23456789')}{secrets.randbelow(10**9):09}"

    def messages(self, number: str) -> list[str]:
        """What a phone got, oldest first."""
        with self._log.open("rb") as file:
            file.seek(self._start)
            lines = file.read().decode().split("\n")[:-1]
        entries = [json.loads(line)["text"] for line in lines if number in line]
        found = [json.loads(text) for text in entries if text.startswith("{")]
        return [entry["text"] for entry in found if entry.get("to") == number]

    async def code(self, number: str, messages: int = 1) -> str:
        """The code in the newest message, once there are that many."""
        await until(lambda: len(self.messages(number)) >= messages)
        (code,) = re.findall(r"\b[0-9]{6}\b", self.messages(number)[-1])
        return str(code)


def ask(device: Device, number: str = "", key: str = "") -> tuple[int, Json]:
    """Ask for a code for the number that is the device's handle, and for its key."""
    body = {"number": number or device.handle, "auth_key": key or device.auth_key}
    return device.request("POST", "/v1/codes", body, signed=False)


def say(device: Device, code: str) -> tuple[int, Json]:
    """Register with a code."""
    return device.register(verification={"method": "otp", "code": code})


def another(code: str) -> str:
    """A code that is wrong."""
    return f"{(int(code) + 1) % 10**6:06}"
