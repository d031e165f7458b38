"""The register of differences to ministack, and how a log line finds its request."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from local import emulator_patches, lambda_workers
from local.emulator_patches import PATCHES, EmulatorChangedError
from local.places import ROOT

PROBES = ROOT / "tests" / "integration" / "local" / "test_emulator_differences.py"


def test_every_patch_has_a_reason_and_a_probe_that_exists() -> None:
    """A patch nobody can check for being needed would stay for ever."""
    tests = {
        node.name for node in ast.walk(ast.parse(PROBES.read_text())) if isinstance(node, ast.FunctionDef)
    }
    for patch in PATCHES:
        assert patch.reason.endswith(".")
        assert patch.probe in tests


def test_a_ministack_that_changed_is_refused_by_name() -> None:
    """A patch never replaces something it does not know."""

    def moved(func: object, event: object) -> None: ...

    with pytest.raises(
        EmulatorChangedError, match=r"moved\(func, event\): expected \(func, event, request_id\)"
    ):
        emulator_patches._expect(moved, "func, event, request_id")


def test_each_log_line_carries_its_function_and_its_request(tmp_path: Path) -> None:
    """Lines of two requests in one worker are told apart; an untagged one of a C library is kept too."""
    log = lambda_workers.LambdaLog(tmp_path / "lambda.log")
    stderr = io.StringIO("\x1er1\x1efirst\n\x1er2\x1esecond\nbare\n")
    worker = SimpleNamespace(
        config={"FunctionName": "send"}, func_name="send", _proc=SimpleNamespace(stderr=stderr)
    )
    log.copy_stderr(worker)
    entries = [json.loads(line) for line in (tmp_path / "lambda.log").read_text().splitlines()]
    assert [(entry["function"], entry["request"], entry["text"]) for entry in entries] == [
        ("send", "r1", "first"),
        ("send", "r2", "second"),
        ("send", "", "bare"),
    ]


def test_a_worker_tags_every_line_even_of_one_write_with_many() -> None:
    """A trace is written at once: each of its lines is tagged, and a half line waits for its end."""
    program = lambda_workers.WORKER_START + (
        "sys.stderr.request = 'r1'\nprint('a\\nb', file=sys.stderr)\nprint('c', end='', file=sys.stderr)\n"
        "sys.stderr.request = 'r2'\nprint('d', file=sys.stderr)\n"
    )  # fmt: skip
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "\x1er1\x1ea\n\x1er1\x1eb\n\x1er2\x1ecd\n"


@pytest.mark.parametrize(
    ("received", "answer"),
    [
        (b'{"status": "ok", "result": 1}\n', {"status": "ok", "result": 1}),
        (b'printed by C\n{"status": "ok", "result": null}\n', {"status": "ok", "result": None}),
        (b"printed by C\n", None),
        (b"[1]\n", None),
        (b'{"level": "INFO"}\n', None),
    ],
)
def test_only_an_answer_ends_an_invocation(received: bytes, answer: object) -> None:
    """What a library prints to standard output is not taken for the handler's answer."""
    assert lambda_workers._answer_in(bytearray(received)) == answer
