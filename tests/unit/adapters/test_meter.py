"""What the meter writes down, and that it is off unless a file is named."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from chat import bootstrap
from chat.adapters.api_gateway import ConnectionsGateway
from chat.adapters.cassandra import session
from chat.adapters.cassandra.session import Cassandra
from chat.adapters.cassandra.statement import Statement
from chat.adapters.meter import Meter, meter
from chat.ports.sockets import Gone
from chat.settings import SocketSettings

from tests.unit.adapters.test_api_gateway import Wire
from tests.unit.adapters.test_session import PLAIN, READ, THROTTLED, Clock, Driver, rows

CONDITIONAL = Statement("INSERT INTO heliograph.used_proofs (proof, used_at) VALUES (?, ?) IF NOT EXISTS")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the meter of the function ``send`` writes."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "heliograph-local-send")
    return tmp_path / "meter.jsonl"


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    """A driver whose pauses take no time, and that takes any batch."""
    clock = Clock()
    monkeypatch.setattr(session, "time", clock)
    monkeypatch.setattr(session, "BatchStatement", lambda *_, **__: SimpleNamespace(add=lambda _: None))
    return Driver(clock)


def lines(path: Path) -> list[dict[str, Any]]:
    """What was written."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_statement_is_one_line_however_often_it_was_sent(path: Path, driver: Driver) -> None:
    """Each process adds a line per statement: rows of reads, verdicts of conditions, blobs by length."""
    database, another = (Cassandra(driver.build, Meter(str(path))) for _ in range(2))
    driver.script = [rows({"used_at": 7}), THROTTLED, rows(), rows({"[applied]": False, "used_at": 5})]
    database.run(READ, "a")
    another.run(PLAIN, b"content")
    another.apply(CONDITIONAL, "p", 9)
    read, write, condition = lines(path)
    assert read == {
        "kind": "statement",
        "function": "send",
        "table": "used_proofs",
        "verb": "select",
        "conditional": False,
        "consistency": "LOCAL_QUORUM",
        "cql": READ.cql,
        "applied": True,
        "values": ["a"],
        "rows": [{"used_at": 7}],
    }
    assert (write["verb"], write["values"]) == ("insert", [{"bytes": 7}])
    assert (condition["applied"], condition["rows"]) == (False, [{"used_at": 5}])
    assert "content" not in path.read_text()


def test_every_statement_of_a_batch_counts(path: Path, driver: Driver) -> None:
    """Keyspaces bills rows, not requests."""
    driver.script = [rows()]
    Cassandra(driver.build, Meter(str(path))).batch([(PLAIN, ("a",)), (PLAIN, ("b",))])
    assert [line["values"] for line in lines(path)] == [["a"], ["b"]]


def test_a_post_is_a_line_for_each_attempt(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that fails, since nobody knows yet which failures are billed; closing is no frame."""
    wire = Wire(500, 200, 410, 204)
    gateway = ConnectionsGateway(SocketSettings("http://127.0.0.1:1/v1", "eu-central-1"), Meter(str(path)))
    monkeypatch.setattr(gateway, "_connect", wire.connect)
    monkeypatch.setattr("chat.adapters.api_gateway._PAUSE", (0, 0))
    for name, value in {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}.items():
        monkeypatch.setenv(name, value)
    gateway.post("one", b"12345")
    with pytest.raises(Gone):
        gateway.post("two", b"123")
    gateway.close("one")
    found = [(line["kind"], line["size"], line["status"]) for line in lines(path)]
    assert found == [("post", 5, 500), ("post", 5, 200), ("post", 3, 410)]


@pytest.mark.parametrize(
    ("event", "answer", "expected"),
    [
        ({"requestContext": {"eventType": "MESSAGE"}, "body": "größe"}, {"body": "ok"}, ("message", 7, 2)),
        ({"requestContext": {"eventType": "CONNECT"}}, {"statusCode": 200}, ("connect", 0, 0)),
        ({"type": "REQUEST", "requestContext": {"eventType": "CONNECT"}}, {}, ("authorize", 0, 0)),
        ({"requestContext": {"http": {}}, "body": None}, {"body": "{}"}, ("https", 0, 2)),
    ],
    ids=["frame", "connect", "authorizer", "https"],
)
def test_an_invocation_holds_its_frames(
    path: Path, event: dict[str, Any], answer: dict[str, Any], expected: tuple[str, int, int]
) -> None:
    """Bytes in and out in UTF-8, what woke the function, and its time."""
    watched = Meter(str(path)).watch(lambda *_: answer)
    assert watched(event, None) is answer
    (line,) = lines(path)
    assert (line["trigger"], line["size"], line["answer_size"]) == expected
    assert line["ms"] >= line["cpu_ms"] - 0.1
    assert (line["kind"], line["function"]) == ("invocation", "send")


def test_off_it_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file there is no meter, and it wraps no handler."""
    monkeypatch.delenv("HELIOGRAPH_METER", raising=False)
    watched: list[Any] = []
    monkeypatch.setattr(Meter, "watch", lambda _, handler: watched.append(handler) or handler)

    bootstrap.lambda_handler("send", lambda *_: {})

    assert meter("") is None
    assert watched == []
