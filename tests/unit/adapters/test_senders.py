"""Text messages: what Amazon SNS is asked for, and what the log of a laptop shows."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from chat.adapters.log_sender import LogSender
from chat.adapters.sns_sender import SnsSender
from chat.ports.codes import NotSent
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns import sns_backends

NUMBER, TEXT, REGION = "+12015550123", "042179 is your Heliograph code.", "eu-central-1"


@pytest.fixture(autouse=True)
def _role(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of nobody, and no endpoint but Amazon's."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SNS", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


class Sns:
    """A server that answers as it is told and counts."""

    def __init__(self) -> None:
        self.status = 200
        self.asked: list[dict[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                outer.asked.append({name: values[0] for name, values in parse_qs(body).items()})
                result = b"<PublishResult><MessageId>1</MessageId></PublishResult>"
                answer = b"<PublishResponse>" + result + b"</PublishResponse>"
                self.send_response(outer.status)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def sns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sns]:
    """An SNS on this machine, where the sender finds it."""
    made = Sns()
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", f"http://127.0.0.1:{made.server.server_port}")
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.parametrize("sender_id", ["", "Helio"])
def test_sns_gets_number_text_and_kind(sns: Sns, sender_id: str) -> None:
    """Transactional, which networks do not hold back; with a name only where one is configured."""
    SnsSender(REGION, sender_id).send(NUMBER, TEXT)

    [asked] = sns.asked
    attributes = {
        asked[f"MessageAttributes.entry.{n}.Name"]: asked[f"MessageAttributes.entry.{n}.Value.StringValue"]
        for n in (1, 2)
        if f"MessageAttributes.entry.{n}.Name" in asked
    }
    assert (asked["Action"], asked["PhoneNumber"], asked["Message"]) == ("Publish", NUMBER, TEXT)
    assert "TopicArn" not in asked
    assert attributes == {
        "AWS.SNS.SMS.SMSType": "Transactional",
        **({"AWS.SNS.SMS.SenderID": sender_id} if sender_id else {}),
    }


def test_amazon_takes_it() -> None:
    """As moto knows its API: the message is sent to the phone."""
    with mock_aws():
        SnsSender(REGION, "Helio").send(NUMBER, TEXT)

        sent = sns_backends[DEFAULT_ACCOUNT_ID][REGION].sms_messages
        assert list(sent.values()) == [(NUMBER, TEXT)]


@pytest.mark.parametrize("status", [400, 403, 429, 500, 503])
def test_a_message_is_tried_once(sns: Sns, status: int) -> None:
    """Each try may send, and cost; and nothing of the number is in the error that somebody may log."""
    sns.status = status

    with pytest.raises(NotSent) as failed:
        SnsSender(REGION, "").send(NUMBER, TEXT)

    assert len(sns.asked) == 1
    assert NUMBER not in repr(failed.value)
    assert failed.value.__suppress_context__


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network without an SNS is NotSent as well."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", "http://127.0.0.1:1")

    with pytest.raises(NotSent):
        SnsSender(REGION, "").send(NUMBER, TEXT)


def test_the_log_of_a_laptop_is_the_phone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line with number and text."""
    LogSender().send(NUMBER, TEXT)

    [line] = capsys.readouterr().out.splitlines()
    shown = json.loads(line)
    assert (shown["level"], shown["to"], shown["text"]) == ("INFO", NUMBER, TEXT)
