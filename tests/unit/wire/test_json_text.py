"""JSON is read as the protocol means it: what is ambiguous or cannot be written again is refused."""

from __future__ import annotations

import json

import pytest
from chat.wire import json_text

REFUSED = {
    "empty": "",
    "not JSON": "hello",
    "cut": '{"a": 1',
    "two values": "{} {}",
    "single quotes": "{'a': 1}",
    "duplicate key": '{"a": 1, "a": 2}',
    "duplicate key, escaped": '{"a": 1, "\\u0061": 2}',
    "duplicate key far down": '{"x": [{"y": {"a": 1, "a": 1}}]}',
    "NaN": '{"a": NaN}',
    "Infinity": '{"a": Infinity}',
    "-Infinity": '{"a": -Infinity}',
    "1e999": '{"a": 1e999}',
    "an integer of 5,000 digits": '{"a": ' + "9" * 5_000 + "}",
    "lone surrogate": '{"a": "\\ud800"}',
    "lone surrogate in a key": '{"\\udfff": 1}',
    "surrogates the wrong way round": '{"a": "\\udc00\\ud800"}',
    "depth 1,000 with a lone surrogate": '{"a": ' + "[" * 900 + '"\\ud800"' + "]" * 900 + "}",
    "depth 100,000": "[" * 100_000,
    "depth 100,000 of objects": '{"a":' * 100_000,
    "byte order mark": "\ufeff{}",
    "control character in a string": '{"a": "\x00"}',
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_refused(text: str) -> None:
    """Whatever is wrong comes out as ``ValueError``, never as another exception."""
    with pytest.raises(ValueError):  # noqa: PT011 - the documented type
        json_text.parse(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        ('{"a": [1, -2.5, 1e3, true, null]}', {"a": [1, -2.5, 1000.0, True, None]}),
        ('{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        ('{"a": "\\u0000"}', {"a": "\x00"}),
        ('{"__proto__": {"admin": true}}', {"__proto__": {"admin": True}}),
        ('"\u00fc"', "\u00fc"),
    ],
)
def test_read(text: str, value: object) -> None:
    """Proper JSON is read; escaped pairs are one character, and no name is special."""
    assert json_text.parse(text) == value


def test_deep_but_readable() -> None:
    """A depth that the interpreter takes is no error: unknown fields are ignored, however deep."""
    assert json_text.parse("[" * 500 + "]" * 500)


def test_written_text_is_ascii_and_compact() -> None:
    """Its length in characters is its size in bytes, so sizes can be counted before it is encoded."""
    value = {"text": "\u00fc\U0001f600", "list": [1, 2]}

    text = json_text.dump(value)

    assert text.isascii()
    assert " " not in text
    assert json.loads(text) == value
