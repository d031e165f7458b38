"""Controls: values put where they must be found, in every store and every form, in every run.

A search that finds nothing says nothing unless it finds what is there. Each control is written by other code
than that which makes the patterns: what a library makes of the value, between bytes that it knows nothing of.
"""

from __future__ import annotations

import base64
import json
import secrets
import struct
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import boto3

from local.cloud import LocalCloud
from local.deploy import REGION
from schemas.tables import TABLES, Column, Table
from tests.canary.encodings import forms
from tests.canary.needles import Needle, Store, token
from tests.canary.search import CHUNK_BYTES
from tests.canary.stores import store_of
from tests.e2e.tables import Tables

FLOW = "control"

_FILES = (
    "cassandra/hints/control.hints",
    "cassandra/saved_caches/control.db",
    "cassandra/hs_err_pid1.log",
    "cassandra/java_pid1.hprof",
    "core.1",
    "tmp/control",
    "aws/tmp/control",
    "cdk.out/control.js",
    "wire/control.log",
    "control",
)
"""Files that are made to hold controls. Those of databases and emulator come from themselves."""

_IN_JSON = {
    "raw": "raw", "hex": "hex", "HEX": "HEX", "escaped": "escaped twice", "ESCAPED": "ESCAPED TWICE",
    "base64+0": "base64+0", "base64+1": "base64+1", "base64+2": "base64+2",
    "base64url+0": "base64url+0", "base64url+1": "base64url+1", "base64url+2": "base64url+2",
}  # fmt: skip
"""Forms of text, and what they become in the emulator's files, which are JSON."""

_TEXT = ("ascii", "text", "blob")


class Controls:
    """What was planted in one run."""

    def __init__(self) -> None:
        self.needles: list[Needle] = []

    def _plant(
        self, what: str, form: str, stores: Iterable[Store], value: str = "", found_as: str = ""
    ) -> bytes:
        """A value that must be found in these stores in this form; gives the bytes to put there."""
        raw = (value or _value()).encode()
        planted = frozenset((store, found_as or form) for store in stores)
        self.needles.append(Needle(raw, FLOW, what, frozenset(Store), planted))
        return disguise(form, raw)

    def text(self, what: str, stores: Iterable[Store]) -> str:
        """A text for a device that sends it in clear, so that it must be found in these stores as it is."""
        return self._plant(what, "raw", stores, token()).decode()

    def plant_in_database(self, tables: Tables) -> None:
        """In every column of every table that can hold it, in every form in a blob, and in a row that is
        deleted at once, of which only the commit log knows.
        """
        kept = (Store.ROWS, Store.DATA_FILES, Store.COMMIT_LOG)
        for table in TABLES:
            tables.run(
                *_insert(table, lambda column: self._plant(f"column {column}", "raw", kept, token()).decode())
            )
        cql = (
            "INSERT INTO inbox_by_account (account_id, week, device_id, message_id, sender, envelope)"
            " VALUES ('control', 1, 1, %s, 'control', %s)"
        )
        for form in forms(_value().encode()):
            tables.run(cql, form, self._plant("row", form, kept))
        tables.run(cql, "deleted", self._plant("deleted row", "raw", (Store.COMMIT_LOG,)))
        tables.run(
            "DELETE FROM inbox_by_account WHERE account_id = 'control' AND week = 1 AND device_id = 1"
            " AND message_id = 'deleted'"
        )

    def plant_in_aws(self, cloud: LocalCloud) -> None:
        """In objects of a bucket, messages of a queue and parameters, which stand for all other state."""
        session = boto3.Session("test", "test", region_name=REGION)
        s3, sqs, ssm = (session.client(name, endpoint_url=cloud.endpoint) for name in ("s3", "sqs", "ssm"))
        s3.create_bucket(Bucket="control")
        queue = sqs.create_queue(QueueName="control")["QueueUrl"]
        for form in forms(_value().encode()):
            s3.put_object(Bucket="control", Key=form, Body=self._plant("object", form, (Store.BUCKETS,)))
        for form, found_as in _IN_JSON.items():
            message = self._plant("message", form, (Store.QUEUES,), token(), found_as)
            sqs.send_message(QueueUrl=queue, MessageBody=message.decode())
            parameter = self._plant("parameter", form, (Store.EMULATOR,), token(), found_as)
            ssm.put_parameter(
                Name=f"/control/{form.replace('+', '-')}", Value=parameter.decode(), Type="String"
            )

    def plant_in_files(self, state: Path) -> None:
        """In files of a stopped cloud: one for each store, every log there is, an archive, and over the
        border of two files and of two parts of one.
        """
        places = [state / name for name in _FILES]
        places += sorted(state.glob("*.log"))
        for path in places:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._append(path, store_of(path.relative_to(state)))
        with zipfile.ZipFile(state / "cdk.out" / "control.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("packed", self._plant("archive", "raw", (Store.ASSETS,)) + bytes(100_000))
        split = self._plant("two files", "raw", (Store.WIRE,))
        (state / "wire" / "control.split-1").write_bytes(split[:10])
        (state / "wire" / "control.split-2").write_bytes(split[10:])
        split = self._plant("two parts", "raw", (Store.TEMPORARY,))
        (state / "tmp" / "control-long").write_bytes(bytes(CHUNK_BYTES - 10) + split)

    def _append(self, path: Path, store: Store) -> None:
        with path.open("ab") as file:
            for form in forms(_value().encode()):
                file.write(b"\n" + self._plant(path.name, form, (store,)) + b"\n")


def disguise(form: str, value: bytes) -> bytes:
    """The value as software might have written it, with something before and behind it."""
    text = value.decode()
    units = struct.unpack(f">{len(text.encode('utf-16-be')) // 2}H", text.encode("utf-16-be"))
    escaped, shouted = ("".join(f"\\u{unit:04{case}}" for unit in units) for case in "xX")
    written = {
        "raw": value,
        "hex": b"".join(b"%02x" % byte for byte in value),
        "HEX": b"".join(b"%02X" % byte for byte in value),
        "json": json.dumps({"text": text}).encode(),
        "python": f"said {value!r}".encode(),
        "utf-16-le": f"<{text}>".encode("utf-16-le"),
        "utf-16-be": f"<{text}>".encode("utf-16-be"),
        "escaped": f'"{escaped}"'.encode(),
        "ESCAPED": f'"{shouted}"'.encode(),
        "escaped twice": json.dumps(escaped).encode(),
        "ESCAPED TWICE": json.dumps(shouted).encode(),
    }
    if form in written:
        return written[form]
    alphabet, shift = form.split("+")
    encode = {"base64": base64.b64encode, "base64url": base64.urlsafe_b64encode}[alphabet]
    return encode(secrets.token_bytes(3 + int(shift)) + value + secrets.token_bytes(5))


def _value() -> str:
    """A text whose form differs in every encoding."""
    return f"{token()}\u00fc\U0001f600\u07ff"


def _insert(table: Table, planted: Callable[[str], str]) -> tuple[object, ...]:
    """A statement and its values: a control in every column that holds text or bytes."""
    columns = table.key + table.columns
    names = ", ".join(column.name for column in columns)
    marks = ", ".join("%s" for _ in columns)
    values = [_filled(table, column, planted) for column in columns]
    return f"INSERT INTO {table.name} ({names}) VALUES ({marks})", *values  # noqa: S608, our own names


def _filled(table: Table, column: Column, planted: Callable[[str], str]) -> object:
    if column.type in _TEXT:
        text = planted(f"{table.name}.{column.name}")
        return text.encode() if column.type == "blob" else text
    return True if column.type == "boolean" else 1
