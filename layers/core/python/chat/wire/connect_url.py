"""The ``proof`` in the connect URL: ``v1.<account>.<device>.<connect number>.<signature>``."""

from __future__ import annotations

from chat.domain import base64url
from chat.domain.ids import Address
from chat.errors import ChatError, Code
from chat.usecases.authorize import ConnectProof
from chat.wire import validation


def parse_proof(text: str) -> ConnectProof | None:
    """The proof in ``text``, or None for anything else."""
    fields = text.split(".")
    if len(fields) != 5 or fields[0] != "v1":
        return None
    _, account, device, number, signature = fields
    try:
        validation.check_type("address", f"{account}:{device}", Code.UNAUTHENTICATED)
        if not (number.isascii() and number.isdecimal() and len(number) <= 15):
            return None
        return ConnectProof(Address.parse(f"{account}:{device}"), int(number), base64url.decode(signature))
    except (ChatError, ValueError):
        return None
