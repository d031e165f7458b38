"""What the functions log: hops of messages, refusals and counts, and never an id."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chat import observability
from chat.domain.envelope import Status
from chat.domain.events import MessageEvent, ReceiptEvent, SessionClosed
from chat.domain.ids import MessageId, MessageName, new_uuid7
from chat.errors import Code
from chat.metrics import MAX_VALUES, Metrics
from chat.ports.sockets import Outcome
from chat.ports.storage import OutcomeUnknown, StorageUnavailable
from chat.settings import LogSettings, SettingMissing

from infra.routes import FUNCTIONS
from schemas.metrics import METRICS
from schemas.pseudonyms import PSEUDONYM, pseudonym
from tests.fakes.events import frame
from tests.fakes.handlers import call, serving
from tests.fakes.world import World, address

KEY = "0f0e0d0c-0000-4000-8000-000000000000"
ONE, OTHER = (MessageId(new_uuid7(1_795_000_000_000 + n)) for n in (1, 2))
ALICE, BOB = address("alice"), address("bob")
SECRET = "correct horse battery staple"

Lines = Callable[[], list[dict[str, Any]]]


def name(text: object) -> str:
    """The pseudonym of an id in these tests."""
    return pseudonym(KEY, str(text))


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Sets the environment of the functions; at first traces are on and metrics off."""

    def set_to(**values: str) -> None:
        for key, value in values.items():
            monkeypatch.setenv(key, value)
        observability._settings.cache_clear()
        observability._metrics.cache_clear()

    set_to(STAGE="local", LOG_KEY=KEY, TRACES="on")
    yield set_to
    monkeypatch.undo()
    set_to()


@pytest.fixture
def lines(environment: object, capsys: pytest.CaptureFixture[str]) -> Lines:
    """What was logged since it was asked last; the level and the time, which every line has, taken out."""

    def read() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        for line in found:
            assert "_aws" in line or line.pop("timestamp").endswith("Z")
            line.pop("level", None)
        return found

    return read


def message(id_: MessageId) -> MessageEvent:
    """A message of alice."""
    return MessageEvent(MessageName(id_, str(ALICE)), BOB.account, SECRET.encode())


def receipt(*ids: MessageId) -> ReceiptEvent:
    """A receipt by bob."""
    return ReceiptEvent(Status.READ, str(BOB), tuple(MessageName(id_, str(ALICE)) for id_ in ids))


class TestHops:
    """Every step of a message is a line under one pseudonym."""

    def test_accepted_and_refused(self, lines: Lines) -> None:
        """With the number of rows; with the code."""
        observability.accepted(ALICE, {ONE: 3, OTHER: 1})
        observability.not_accepted(ALICE, {OTHER: Code.ID_STALE})

        assert lines() == [
            {"hop": "accepted", "device": name(ALICE), "messages": [[name(ONE), 3], [name(OTHER), 1]]},
            {"hop": "refused", "device": name(ALICE), "messages": [[name(OTHER), "ID_STALE"]]},
        ]

    @pytest.mark.parametrize(
        ("outcomes", "hop"),
        [
            ([Outcome.DELIVERED], "posted"),
            ([Outcome.DELIVERED, Outcome.GONE], "gone"),
            ([Outcome.FAILED], "post_failed"),
        ],
    )
    def test_posted(self, lines: Lines, outcomes: list[Outcome], hop: str) -> None:
        """Messages and receipts that went to one socket, by the worst that one of their frames met."""
        observability.posted(BOB, [message(ONE), receipt(OTHER), SessionClosed("REPLACED")], outcomes)

        assert lines() == [
            {
                "hop": hop,
                "device": name(BOB),
                "messages": [name(ONE)],
                "receipts": [[name(OTHER), "read"]],
            }
        ]

    def test_what_names_no_message_is_no_hop(self, lines: Lines) -> None:
        """A goodbye, an empty page, an ack of nothing."""
        observability.posted(BOB, [SessionClosed("REPLACED")], [Outcome.DELIVERED])
        observability.drained(BOB, [], is_full=False)
        observability.acked(BOB, [])
        observability.accepted(ALICE, {})

        assert lines() == []

    def test_drained_acked_and_stored(self, lines: Lines) -> None:
        """The way of a message to a device that was away, and of its receipt."""
        names = [MessageName(ONE, str(ALICE))]
        observability.drained(BOB, [message(ONE)], is_full=True)
        observability.acked(BOB, names)
        observability.stored_receipt(ALICE, names)

        assert lines() == [
            {"hop": "drained", "device": name(BOB), "messages": [name(ONE)]},
            {"hop": "acked", "device": name(BOB), "messages": [name(ONE)]},
            {"hop": "receipt_stored", "device": name(ALICE), "receipts": [name(ONE)]},
        ]

    def test_without_traces_no_hop_is_logged(self, lines: Lines, environment: Callable[..., None]) -> None:
        """A stage that wants none pays for none."""
        environment(TRACES="off")
        observability.accepted(ALICE, {ONE: 1})
        observability.not_accepted(ALICE, {ONE: Code.ID_STALE})
        observability.posted(BOB, [message(ONE)], [Outcome.DELIVERED])
        observability.drained(BOB, [message(ONE)], is_full=False)
        observability.acked(BOB, [MessageName(ONE, str(ALICE))])
        observability.stored_receipt(ALICE, [MessageName(ONE, str(ALICE))])

        assert lines() == []

    def test_no_id_is_ever_written(self, lines: Lines, capsys: pytest.CaptureFixture[str]) -> None:
        """Neither of a message nor of a device, nor a text."""
        observability.posted(BOB, [message(ONE), receipt(OTHER)], [Outcome.DELIVERED])
        observability.refused("send", Code.BAD_FRAME, ALICE)
        text = capsys.readouterr().out

        assert [word for word in (ONE, OTHER, ALICE.account, BOB.account, SECRET) if word in text] == []
        assert name(ALICE) in text


class TestMetrics:
    """Counts go out as lines of the embedded metric format."""

    def test_what_a_line_holds(self) -> None:
        """A directive for each metric, the one dimension, the time of the last count."""
        metrics = Metrics("prod", 10)
        metrics.count("accepted", 2, 5_000)
        metrics.count("accepted", 1, 6_000)
        metrics.accept_took(12, 6_000)

        assert metrics.line(7_000) == {
            "_aws": {
                "Timestamp": 6_000,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Heliograph",
                        "Dimensions": [["stage"]],
                        "Metrics": [
                            {"Name": "cold_starts", "Unit": "Count"},
                            {"Name": "accepted", "Unit": "Count"},
                            {"Name": "accept_ms", "Unit": "Milliseconds"},
                        ],
                    }
                ],
            },
            "stage": "prod",
            "cold_starts": 1,
            "accepted": 3,
            "accept_ms": [12],
        }

    def test_the_ordinary_waits_and_the_rare_does_not(self) -> None:
        """Counts add up for some seconds; a 410 takes them along at once."""
        metrics = Metrics("prod", 10)
        assert metrics.line(1_000) is not None
        metrics.count("accepted", 1, 2_000)
        assert metrics.line(2_000) is None
        metrics.count("gone", 1, 3_000)
        assert (metrics.line(3_000) or {})["accepted"] == 1
        metrics.count("posted", 1, 4_000)
        assert metrics.line(12_999) is None
        assert (metrics.line(13_000) or {})["posted"] == 1
        assert metrics.line(99_000) is None

    def test_a_line_has_at_most_a_hundred_values(self) -> None:
        """EMF drops more; the rest comes with the next line."""
        metrics = Metrics("prod", 10)
        metrics.line(1_000)
        for _ in range(MAX_VALUES + 1):
            metrics.accept_took(1, 1_000)

        assert len((metrics.line(1_001) or {})["accept_ms"]) == MAX_VALUES
        assert len((metrics.line(20_000) or {})["accept_ms"]) == 1

    def test_a_name_that_is_not_listed_is_refused(self) -> None:
        """What CloudWatch charges for stands in one list."""
        with pytest.raises(KeyError):
            Metrics("prod", 0).count("accepted_by_alice", 1, 1)

    @pytest.mark.parametrize("code", Code)
    def test_every_refusal_is_counted(
        self, lines: Lines, environment: Callable[..., None], code: Code
    ) -> None:
        """Under one of a few names, whatever the code."""
        environment(METRICS_SECONDS="0", TRACES="off")
        observability.refused("send", code)
        observability._flush()
        [_, counted] = lines()

        assert len([key for key in counted if key.startswith("refused_")]) == 1

    def test_a_busy_stage_pays_for_at_most_16_metrics(self) -> None:
        """$0.30 a month each, below $5 in all: one dimension with one value, so each name is one metric."""
        assert len(METRICS) <= 16


class TestInvocations:
    """``observed``: every function writes its counts and fails without a word of its input."""

    @pytest.fixture
    def world(self) -> Iterator[World]:
        """A backend of fakes."""
        made = World()
        with serving(made):
            yield made

    @pytest.mark.parametrize("function", [function.name for function in FUNCTIONS])
    def test_every_function_writes_its_metrics(
        self, lines: Lines, environment: Callable[..., None], world: World, function: str
    ) -> None:
        """Even where it fails: on a nonsense event it logs the type of the error and ends the invocation."""
        environment(METRICS_SECONDS="0")
        importlib.import_module(f"functions.{function}.handler")
        with pytest.raises(observability.InvocationFailed):
            call(function, {SECRET: SECRET})

        *_, failure, counted = lines()
        assert (failure["event"], failure["error"]) == ("unexpected", "KeyError")
        assert SECRET not in json.dumps(failure)
        assert counted["cold_starts"] == 1

    @pytest.mark.parametrize("error", [StorageUnavailable, OutcomeUnknown, ValueError])
    def test_no_text_of_an_exception_leaves(self, lines: Lines, error: type[Exception]) -> None:
        """Lambda logs what is raised: it has no text of the error, no cause and no context."""

        def handler(_event: object, _context: object) -> None:
            raise error(SECRET)

        with pytest.raises((error, observability.InvocationFailed)) as raised:
            observability.observed("connect", handler)({}, None)

        assert SECRET not in repr(raised.value)
        assert raised.value.__context__ is None
        assert SECRET not in json.dumps(lines())

    def test_send_measures_from_the_gateway(
        self, lines: Lines, environment: Callable[..., None], world: World
    ) -> None:
        """The time since the gateway had the frame, a wait for a place to run included."""
        environment(METRICS_SECONDS="0")
        bob = world.account("bob")
        socket = world.online(world.account("alice"))
        sent = {"id": new_uuid7(world.now()), "to": bob, "devices": {"1": "AAAA"}}
        event = frame(socket, {"action": "send", "ref": "1", "messages": [sent]})
        event["requestContext"]["requestTimeEpoch"] = world.now() - 250

        call("send", event)

        counted = lines()[-1]
        assert (counted["accepted"], counted["accept_ms"]) == (1, [250])


class TestSettings:
    """``LogSettings``."""

    def test_outside_a_function_nothing_is_said(self) -> None:
        """Neither traces nor metrics where the template did not set them."""
        assert LogSettings.from_env({}) == LogSettings("", "", False, None)

    @pytest.mark.parametrize(
        "environ", [{"TRACES": "yes"}, {"TRACES": "on"}, {"METRICS_SECONDS": "often"}], ids=str
    )
    def test_a_mistake_is_named(self, environ: dict[str, str]) -> None:
        """A word that is not known, traces without a key, an interval that is no number."""
        with pytest.raises(SettingMissing, match=r"TRACES|LOG_KEY|METRICS_SECONDS"):
            LogSettings.from_env(environ)


def test_a_pseudonym_depends_on_key_and_id() -> None:
    """The same id has the same one in a stage, another one elsewhere, and is one word to any search."""
    assert pseudonym(KEY, ONE) == pseudonym(KEY, ONE)
    assert len({pseudonym(key, id_) for key in (KEY, "other") for id_ in (ONE, OTHER)}) == 4
    assert PSEUDONYM.fullmatch(pseudonym(KEY, ONE))
