"""``POST /v1/codes``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chat import observability
from chat.bootstrap import Services
from chat.entrypoint import Request, https_routes
from chat.errors import ChatError, Code
from chat.usecases.codes import Allowance, OtpVerifier, request_code
from chat.wire import bodies


def handle(request: Request, app: Services) -> Mapping[str, Any]:
    """Send a code to a phone number. A stage without this way to prove a number refuses."""
    asked = bodies.parse_code_request(request.body)
    if OtpVerifier.method not in app.verification.verifiers:
        raise ChatError(Code.VERIFICATION_FAILED)
    sent = request_code(
        asked,
        allowance=Allowance(app.code_settings.prices, app.code_settings.daily_cap),
        codes=app.codes,
        spending=app.spending,
        sender=app.text_sender,
        limits=app.limits,
        now=app.now(),
    )
    observability.code_sent(sent.prefix, sent.cents)
    return bodies.code_answer(sent)


handler = https_routes("codes", public={"POST /v1/codes": handle})
