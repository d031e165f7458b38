"""The history file: whole lines, whoever writes and dies."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from tests.faults.history import Recorder, read


def write_many(path: Path, who: str, count: int) -> None:
    """What a writer process does."""
    recorder = Recorder(path, who)
    for number in range(count):
        recorder.record("send", phase="invoke", body="x" * 5000, logical=f"{who}-{number}")
    recorder.close()


def test_a_record_comes_back_with_its_time_kind_and_writer(tmp_path: Path) -> None:
    """What was recorded is read with t, kind and who beside its own fields."""
    path = tmp_path / "history.jsonl"
    Recorder(path, "harness").record("fault", name="F3", what="begin", detail={"seconds": 1})

    (record,) = read(path)

    assert record.pop("t") > 0
    assert record == {
        "kind": "fault",
        "who": "harness",
        "name": "F3",
        "what": "begin",
        "detail": {"seconds": 1},
    }


def test_processes_that_write_at_once_do_not_mix_their_lines(tmp_path: Path) -> None:
    """Every line of two writers at work at the same time is whole."""
    path = tmp_path / "history.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_many, args=(path, who, 200)) for who in ("a:1", "b:1")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    records = read(path)

    for who in ("a:1", "b:1"):
        own = [record["logical"] for record in records if record["who"] == who]
        assert own == [f"{who}-{number}" for number in range(200)]


def test_records_are_in_the_order_of_their_time(tmp_path: Path) -> None:
    """A record that stands later in the file but was made earlier is read earlier."""
    path = tmp_path / "history.jsonl"
    recorder = Recorder(path, "harness")
    recorder.record("healed", t=20)
    recorder.record("healed", t=10)

    assert [record["t"] for record in read(path)] == [10, 20]


@pytest.mark.parametrize("kept", [1, 5, 40, 80])
def test_a_line_that_its_writer_could_not_end_is_left_out(tmp_path: Path, kept: int) -> None:
    """A writer's death inside a line costs that line, not the one of the next writer nor the file."""
    path = tmp_path / "history.jsonl"
    cut = json.dumps({"t": 2, "kind": "shown", "who": "a:1", "body": '{"t":9}' * 9}, separators=(",", ":"))
    Recorder(path, "a:1").record("healed", t=1)
    with path.open("ab") as file:
        file.write(cut[:kept].encode())
    Recorder(path, "b:1").record("healed", t=3)
    with path.open("ab") as file:
        file.write(cut[:kept].encode())

    assert [record["t"] for record in read(path)] == [1, 3]


def test_a_line_that_no_recorder_wrote_is_refused(tmp_path: Path) -> None:
    """A foreign line is an error: a checker must not pass a history it cannot read."""
    path = tmp_path / "history.jsonl"
    path.write_text("hello\n")

    with pytest.raises(ValueError, match="line 1"):
        read(path)
