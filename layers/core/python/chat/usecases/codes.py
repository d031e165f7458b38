"""Codes by text message: who can read a phone's messages owns the number, and with it the handle.

What an attacker wants here is to have many messages sent: to numbers that pay him a share ("SMS pumping"), or
to somebody whom they annoy. So nothing is sent without a token of the number, a token of its country and room
under the day's cap, and no doubt is decided for sending.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Protocol

from chat.domain import base64url
from chat.domain.limits import CODE_AGAIN, CODE_COUNTRY, CODE_NUMBER
from chat.domain.numbers import Prices
from chat.errors import ChatError, Code, unavailable
from chat.ports.codes import Codes, NotSent, Spending, StoredCode, TextSender
from chat.ports.identity import Verification
from chat.ports.limits import Limits
from chat.usecases.limits import demand, digest

CODE_MS = 10 * 60_000
"""How long a code is good."""

ATTEMPTS = 5
"""How often somebody may say a code, right or wrong."""

DIGITS = 6

DAY_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """Who wants a code: a number (E.164), and the key that is going to register it."""

    number: str
    auth_key: bytes


@dataclass(frozen=True, slots=True)
class CodeSent:
    """Until when the code is good and from when on another one may be asked for (ms), and what it cost."""

    expires_at: int
    again_at: int
    prefix: str
    cents: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """To whom a stage sends codes, and for how many cents a day."""

    prices: Prices
    daily_cap: int


def request_code(
    request: CodeRequest,
    *,
    allowance: Allowance,
    codes: Codes,
    spending: Spending,
    sender: TextSender,
    limits: Limits,
    now: int,
) -> CodeSent:
    """Send a code, which takes the place of the one before. Whether the number has an account plays no part.

    Tokens and money are taken before the code is stored, and it is stored before it is sent. So whatever
    fails or crashes has cost as much as if it had worked, and nothing is sent that was not paid for or could
    not be redeemed. Nothing is repeated: the next try is another request.
    Raises ChatError NUMBER_NOT_SERVED, RATE_LIMITED, CODES_EXHAUSTED, or UNAVAILABLE where it may not have
    been sent.
    """
    price = allowance.prices.of(request.number)
    if price is None:
        raise ChatError(Code.NUMBER_NOT_SERVED)
    prefix, cents = price
    number = digest(request.number)
    demand(CODE_AGAIN, number, limits=limits, now=now)
    demand(CODE_NUMBER, number, limits=limits, now=now)
    demand(CODE_COUNTRY, prefix, limits=limits, now=now)
    day, into_the_day = divmod(now, DAY_MS)
    if not spending.add(day, cents, allowance.daily_cap):
        raise ChatError(Code.CODES_EXHAUSTED, retry_after=(DAY_MS - into_the_day) // 1000 + 1)
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    salt = secrets.token_bytes(16)
    expires_at = now + CODE_MS
    codes.put(_claim(request.number, request.auth_key), StoredCode(salt, _hash(salt, code), expires_at))
    try:
        sender.send(request.number, _text(code))
    except NotSent:
        raise unavailable() from None
    return CodeSent(expires_at, now + CODE_AGAIN.refill_ms, prefix, cents)


class Clock(Protocol):
    """The time of the server."""

    def __call__(self) -> int:
        """ms since 1970."""
        ...


class OtpVerifier:
    """Takes the code that was sent to the number, from the key for which it was sent.

    The owner of a number is whoever reads its messages today: the account of somebody who had it before is
    retired by registering, as a lost phone's is.
    """

    method = "otp"

    def __init__(self, codes: Codes, now: Clock) -> None:
        self._codes = codes
        self._now = now

    def owner(self, verification: Verification, *, handle: str, auth_key: bytes) -> str:
        """``otp:<number>``.

        The attempt is used up before anything is compared. A code that was right may be said again by its
        key, as a repeat of its registration, within the same five attempts and ten minutes; said by another
        key it is no code at all. Raises ChatError VERIFICATION_FAILED with the ``attempts`` that are left.
        """
        if verification.method != self.method or not verification.code:
            raise ChatError(Code.VERIFICATION_FAILED)
        found = self._codes.attempt(_claim(handle, auth_key), ATTEMPTS, self._now())
        if found is None:
            raise ChatError(Code.VERIFICATION_FAILED, details={"attempts": 0})
        stored, left = found
        if not hmac.compare_digest(stored.digest, _hash(stored.salt, verification.code)):
            raise ChatError(Code.VERIFICATION_FAILED, details={"attempts": left})
        return f"otp:{handle}"


def _claim(number: str, auth_key: bytes) -> str:
    return digest(f"{number}\n{base64url.encode(auth_key)}")


def _hash(salt: bytes, code: str) -> bytes:
    return hmac.digest(salt, code.encode(), hashlib.sha256)


def _text(code: str) -> str:
    """What the phone shows: the code first, as it is all that a notification has room for."""
    return f"{code} is your Heliograph code. Never tell it anybody: nobody who asks for it is from us."
