"""What is read out of logs: hops in words, rates, the way of one message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operations import entries, rates, trace, words
from operations.entries import Entry, entry
from schemas.pseudonyms import pseudonym

KEY = "0f0e0d0c-0000-4000-8000-000000000000"
MESSAGE = "019ab171-8c00-78d4-bac7-63d646857cf9"
SENT = 0x019AB1718C00
NAME, OTHER, ALICE, BOB = (pseudonym(KEY, text) for text in (MESSAGE, "another", "alice:1", "bob:1"))


def hop(at: int, function: str, name: str, device: str, **what: object) -> Entry:
    """An entry of a hop."""
    fields = {"timestamp": "", "level": "INFO", "hop": name, "device": device, **what}
    return entry(SENT + at, f"heliograph-dev-{function}", json.dumps(fields))


WAY = [
    hop(9, "ack", "acked", BOB, messages=[NAME]),
    hop(1, "send", "accepted", ALICE, messages=[[OTHER, 1], [NAME, 2]]),
    hop(2, "send", "posted", BOB, messages=[NAME]),
    hop(3, "send", "posted", BOB, messages=[OTHER]),
    hop(4, "send", "gone", BOB, messages=[NAME], receipts=[[OTHER, "read"]]),
    hop(5, "sync", "drained", BOB, messages=[OTHER, NAME]),
    hop(7, "ack", "posted", ALICE, receipts=[[NAME, "delivered"]]),
    hop(8, "ack", "receipt_stored", ALICE, receipts=[NAME]),
    entry(SENT, "heliograph-dev-send", "a line that is no JSON"),
    entry(SENT, "heliograph-dev-send", json.dumps({"hop": "danced", "messages": [NAME]})),
]


def counted(at: int, **counts: object) -> Entry:
    """An entry of a metric line."""
    return entry(at, "heliograph-local-send", json.dumps({"_aws": {}, "stage": "local", **counts}))


class TestTrace:
    """``make trace``."""

    def test_the_hops_of_one_message_in_order(self) -> None:
        """Out of all that was logged, by time, with the function, and who took part."""
        assert [(found.at - SENT, found.function, found.what) for found in trace.hops(WAY, NAME)] == [
            (1, "send", f"accepted from {ALICE}, 2 rows"),
            (2, "send", f"posted to {BOB}"),
            (4, "send", f"410, gone: {BOB}"),
            (5, "sync", f"drained by {BOB}"),
            (7, "ack", f"receipt (delivered) posted to {ALICE}"),
            (8, "ack", f"receipt stored for {ALICE}"),
            (9, "ack", f"acked by {BOB}"),
        ]

    def test_the_report_counts_from_the_first_hop(self) -> None:
        """A line a hop."""
        first, second, *_ = trace.report(trace.hops(WAY, NAME), NAME)[1:]

        assert first.endswith(f"+     0 ms  send     accepted from {ALICE}, 2 rows")
        assert second.endswith(f"+     1 ms  send     posted to {BOB}")

    def test_nothing_found_says_what_may_be_why(self) -> None:
        """Another stage, no traces, too old."""
        [line] = trace.report([], NAME)

        assert NAME in line
        assert "traces" in line

    def test_a_message_is_named_by_its_id_or_as_in_a_log(self) -> None:
        """As pasted: with blanks or capitals."""
        assert trace.name_in_logs(f" {MESSAGE.upper()}\n", KEY) == NAME
        assert trace.name_in_logs(NAME, KEY) == NAME
        assert (trace.sent_at(MESSAGE), trace.sent_at(NAME)) == (SENT, None)

    @pytest.mark.parametrize("text", ["", "hello", MESSAGE[:-1], MESSAGE.replace("-7", "-4", 1)])
    def test_anything_else_is_refused(self, text: str) -> None:
        """And the refusal says where ids are shown."""
        with pytest.raises(trace.NotAMessage, match="helio history"):
            trace.name_in_logs(text, KEY)


class TestWords:
    """``make logs``."""

    @pytest.mark.parametrize(
        ("logged", "said"),
        [
            (WAY[1].text, f"accepted from {ALICE}: {OTHER}, 1 row; {NAME}, 2 rows"),
            (WAY[4].text, f"410, gone: {BOB}: {NAME}; receipt {OTHER} (read)"),
            (
                '{"timestamp":"","level":"INFO","event":"refused","route":"send","code":"BAD_FRAME"}',
                "refused: route send, code BAD_FRAME",
            ),
            (
                '{"level":"ERROR","event":"unexpected","route":"send","at":["handle:7"]}',
                "ERROR unexpected: route send, at ['handle:7']",
            ),
            ("Task timed out after 10.00 seconds", "Task timed out after 10.00 seconds"),
        ],
    )
    def test_a_line_in_words(self, logged: str, said: str) -> None:
        """With the time and the function before it."""
        line = words.line(entry(SENT, "heliograph-local-send", logged))

        assert line == f"{words.clock(SENT)}  send       {said}"

    def test_a_line_that_only_counts_is_left_to_the_rates(self) -> None:
        """Otherwise every second line would be numbers."""
        assert words.line(counted(SENT, accepted=1)) is None


class TestRates:
    """``make status``."""

    def test_since_the_start_and_in_the_last_minute(self) -> None:
        """What was counted before the start belongs to an earlier run."""
        facts = rates.facts(
            [
                counted(999, accepted=50, accept_ms=[1]),
                counted(1_000, accepted=2, posted=1, gone=1, accept_ms=[10, 20]),
                counted(70_000, accepted=1, accept_ms=[400], cold_starts=1),
                WAY[1],
            ],
            since=1_000,
            now=100_000,
        )

        assert (facts["ACCEPTED"], facts["POSTED"], facts["GONE"]) == ("3", "1", "1")
        assert (facts["ACCEPTED_LAST_MINUTE"], facts["POSTED_LAST_MINUTE"]) == ("1", "0")
        assert (facts["ACCEPT_MS_P50"], facts["ACCEPT_MS_P99"]) == ("20", "400")
        assert (facts["ACCEPT_MS_P50_LAST_MINUTE"], facts["ACKED"]) == ("400", "0")

    def test_percentiles(self) -> None:
        """By the nearest rank: of a hundred values the 50th and the 99th; nothing of nothing."""
        values = [float(number) for number in range(100, 0, -1)]

        assert (rates.percentile(values, 50), rates.percentile(values, 99)) == ("50", "99")
        assert rates.percentile([], 50) == ""


def test_a_log_file(tmp_path: Path) -> None:
    """Lines that a crash cut short, or that something else wrote, are passed over; no file, no entries."""
    log = tmp_path / "lambda.log"
    whole = {"at": 5, "function": "heliograph-local-ack", "request": "r", "text": WAY[0].text}
    log.write_text(json.dumps(whole) + '\n[1]\n{"at": 5}\n' + json.dumps(whole)[:40])

    assert [(e.at, e.function, e.fields) for e in entries.of_file(log)] == [(5, "ack", WAY[0].fields)]
    assert list(entries.of_file(log, "nowhere")) == []
    assert list(entries.of_file(tmp_path / "none")) == []
