"""Codes, spending and text messages in memory."""

from __future__ import annotations

import re
import threading

from chat.ports.codes import NotSent, StoredCode


class FakeCodes:
    """Codes in a dict, each with the attempts made. While ``fails`` is set, every call raises it."""

    def __init__(self) -> None:
        self.stored: dict[str, tuple[StoredCode, int]] = {}
        self.fails: Exception | None = None
        self._lock = threading.Lock()

    def put(self, claim: str, code: StoredCode) -> None:
        self._fail()
        self.stored[claim] = (code, 0)

    def attempt(self, claim: str, limit: int, now: int) -> tuple[StoredCode, int] | None:
        self._fail()
        with self._lock:
            code, made = self.stored.get(claim, (StoredCode(b"", b"", 0), 0))
            if code.expires_at <= now or made >= limit:
                return None
            self.stored[claim] = (code, made + 1)
        return code, limit - made - 1

    def _fail(self) -> None:
        if self.fails is not None:
            raise self.fails


class FakeSpending:
    """Sums in a dict. While ``fails`` is set, adding raises it."""

    def __init__(self) -> None:
        self.cents: dict[int, int] = {}
        self.fails: Exception | None = None
        self._lock = threading.Lock()

    def add(self, day: int, cents: int, cap: int) -> bool:
        if self.fails is not None:
            raise self.fails
        with self._lock:
            if self.cents.get(day, 0) + cents > cap:
                return False
            self.cents[day] = self.cents.get(day, 0) + cents
        return True


class FakeSender:
    """Text messages in a list. While ``fails`` is set, nothing is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.fails = False

    def send(self, number: str, text: str) -> None:
        if self.fails:
            raise NotSent
        self.sent.append((number, text))

    def code(self, number: str) -> str:
        """The last code that this phone got."""
        text = next(text for to, text in reversed(self.sent) if to == number)
        (code,) = re.findall(r"\b[0-9]{6}\b", text)
        return str(code)
