"""The search finds every form of a value, wherever it lies."""

from __future__ import annotations

import base64
import json
import secrets
import zipfile
from pathlib import Path

import pytest

from tests.canary.controls import disguise
from tests.canary.encodings import forms
from tests.canary.needles import Ledger, Needle, Store
from tests.canary.search import CHUNK_BYTES, Hit, Searcher
from tests.canary.stores import UnreadableStore, search_files, store_of

VALUE = "correct horse \u00fc\U0001f600\u07ff".encode()
FORMS = sorted(forms(VALUE))


def needle(value: bytes = VALUE) -> Needle:
    """A value to look for."""
    return Needle(value, "flow", "text")


def found(*parts: bytes, value: bytes = VALUE) -> set[tuple[str, str]]:
    """Form and place of all that is found in parts, which lie in places named 0, 1, 2 ..."""
    searcher = Searcher([needle(value)])
    searcher.search(Store.LOGS, [(str(place), part) for place, part in enumerate(parts)])
    return {(hit.form, hit.place) for hit in searcher.hits}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found(form: str) -> None:
    """Whatever stands around it, and wherever it begins."""
    for before in range(4):
        for _ in range(20):
            text = secrets.token_bytes(before) + disguise(form, VALUE) + secrets.token_bytes(9)
            assert (form, "0") in found(text)


@pytest.mark.parametrize("cut", range(1, len(VALUE)))
def test_what_begins_in_one_part_and_ends_in_the_next_is_found(cut: int) -> None:
    """Parts and files of a store are searched as one; the place is where the value ends."""
    assert found(VALUE[:cut], VALUE[cut:]) >= {("raw", "1")}


def test_what_is_spread_over_many_parts_is_found() -> None:
    """Even where each part is a single byte."""
    places = {place for form, place in found(*(bytes([byte]) for byte in VALUE)) if form == "raw"}
    assert places == {str(len(VALUE) - 1)}


def test_what_was_found_is_not_found_again_in_the_next_part() -> None:
    """The overlap is searched once."""
    assert {place for _, place in found(VALUE, b"x")} == {"0"}


def test_nothing_is_found_where_nothing_is() -> None:
    """Not in random bytes, not in a value that lacks its last byte."""
    assert found(secrets.token_bytes(1 << 20)) == set()
    assert found(VALUE[:-1] + b"x" + VALUE[1:]) == set()


def test_binary_values_are_found_in_json_and_base64() -> None:
    """A key is found raw, as hex, in base64 within JSON, and as Python prints it."""
    key = bytes(range(100, 132)) + b"\xff\xfb"
    said = json.dumps({"key": key.hex(), "repr": repr(key)})
    assert {form for form, _ in found(said.encode(), value=key)} >= {"hex"}
    assert {form for form, _ in found(repr(key).encode(), value=key)} >= {"python"}
    for shift in range(3):
        assert (f"base64url+{shift}", "0") in found(disguise_key(shift, key), value=key)


def disguise_key(shift: int, key: bytes) -> bytes:
    """A key in base64url, behind other bytes."""
    return base64.urlsafe_b64encode(secrets.token_bytes(3 + shift) + key + secrets.token_bytes(4))


def test_short_values_are_refused() -> None:
    """They would be found by chance."""
    with pytest.raises(ValueError, match="by chance"):
        forms(b"hunter2")


def test_many_values_are_told_apart() -> None:
    """Each hit names its own value, also where one is a part of another."""
    one, two = needle(b"abcdefghijklmnop"), needle(b"efghijklmnop")
    searcher = Searcher([one, two])
    searcher.search(Store.LOGS, [("a", b"xx abcdefghijklmnop xx"), ("b", b"xx efghijklmnop xx")])
    raw = {(hit.needle.value, hit.place) for hit in searcher.hits if hit.form == "raw"}
    assert raw == {(one.value, "a"), (two.value, "a"), (two.value, "b")}


@pytest.mark.parametrize(
    ("path", "store"),
    [
        ("cassandra/data/heliograph/t-1/nb-1-big-Data.db", Store.DATA_FILES),
        ("cassandra/archive/CommitLog-7-1.log", Store.COMMIT_LOG),
        ("cassandra/commitlog/CommitLog-7-1.log", Store.COMMIT_LOG),
        ("cassandra/hs_err_pid12.log", Store.DUMPS),
        ("cassandra/java_pid12.hprof", Store.DUMPS),
        ("core.12", Store.DUMPS),
        ("aws/s3/bucket/key", Store.BUCKETS),
        ("aws/sqs.json", Store.QUEUES),
        ("aws/ssm.json", Store.EMULATOR),
        ("aws/tmp/x", Store.TEMPORARY),
        ("lambda.log", Store.LOGS),
        ("clients.log", Store.CLIENT_LOGS),
        ("cdk.out/asset.1/core.py", Store.ASSETS),
        ("anything", Store.OTHER),
    ],
)
def test_every_file_belongs_to_a_store(path: str, store: Store) -> None:
    """By its path; what nobody thought of is searched as another file."""
    assert store_of(Path(path)) is store


def test_all_files_are_searched_those_in_archives_too(tmp_path: Path) -> None:
    """Long files in parts, packed ones unpacked."""
    (tmp_path / "lambda.log").write_bytes(bytes(CHUNK_BYTES - 3) + VALUE)
    with zipfile.ZipFile(tmp_path / "code.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("member.py", b" " * 9_999 + VALUE)
    searcher = Searcher([needle()])

    search_files(searcher, tmp_path)

    raw = {(hit.store, hit.place) for hit in searcher.hits if hit.form == "raw"}
    assert raw == {(Store.LOGS, "lambda.log"), (Store.OTHER, "code.zip!member.py")}
    assert searcher.searched[Store.LOGS] == CHUNK_BYTES - 3 + len(VALUE)


def test_a_compressed_table_is_no_proof(tmp_path: Path) -> None:
    """A search of compressed bytes would find nothing whatever lies there: the run fails instead."""
    (tmp_path / "nb-1-big-CompressionInfo.db").touch()
    with pytest.raises(UnreadableStore):
        search_files(Searcher([]), tmp_path)


def test_a_ledger_keeps_each_value_once_under_its_first_name() -> None:
    """A key that several phones know is one needle; no two canaries are alike."""
    ledger = Ledger()
    ledger.keep("a", "seed", b"x" * 32)
    ledger.keep("b", "seed", b"x" * 32)
    texts = {ledger.canary("a", "text") for _ in range(100)}
    assert (len(ledger), len(texts)) == (101, 100)
    assert ledger.needles()[0].flow == "a"


def test_nothing_shows_a_value() -> None:
    """A hit that is printed does not tell what was found."""
    assert "correct horse" not in repr(Hit(needle(), "raw", Store.LOGS, "place"))
