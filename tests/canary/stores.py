"""Everything that lies anywhere: rows by CQL while the cloud runs, and all its files once it has stopped.

A stopped cloud has written all to disk: Cassandra its memtables, the emulator buckets, queues and the rest.
"""

from __future__ import annotations

import re
import stat
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.canary.needles import Store
from tests.canary.search import CHUNK_BYTES, Part, Searcher, in_chunks
from tests.e2e.tables import Tables

_FOLDERS = {
    "cassandra/data": Store.DATA_FILES,
    "cassandra/commitlog": Store.COMMIT_LOG,
    "cassandra/archive": Store.COMMIT_LOG,
    "cassandra/cdc_raw": Store.COMMIT_LOG,
    "cassandra/hints": Store.HINTS,
    "cassandra/saved_caches": Store.CACHES,
    "aws/s3": Store.BUCKETS,
    "aws/sqs.json": Store.QUEUES,
    "aws/lambda-blobs": Store.ASSETS,
    "aws/tmp": Store.TEMPORARY,
    "aws": Store.EMULATOR,
    "cdk.out": Store.ASSETS,
    "tmp": Store.TEMPORARY,
    "wire": Store.WIRE,
    "clients.log": Store.CLIENT_LOGS,
}
"""Of two that fit the first counts."""

_DUMP = re.compile(r"hs_err.*|replay_pid.*|core(\.\d+)?|.*\.(hprof|dmp|core)")
"""What Java and the system leave of a process that crashed."""

_LOG_ENDINGS = (".log", ".jsonl")

_BLOB = re.compile(r'"0x((?:[0-9a-f]{2})+)"')


class UnreadableStore(Exception):
    """Bytes lie there that a search cannot read, so finding nothing there would say nothing."""


def store_of(path: Path) -> Store:
    """The store to which a file belongs, by its path below the state."""
    name = path.name
    if _DUMP.fullmatch(name):
        return Store.DUMPS
    for folder, store in _FOLDERS.items():
        if path.is_relative_to(folder):
            return store
    return Store.LOGS if name.endswith(_LOG_ENDINGS) else Store.OTHER


def search_rows(searcher: Searcher, tables: Tables) -> None:
    """Search every value of every row of every table, Cassandra's own ones included (its Paxos log holds
    rows that were written under a condition).
    """
    searcher.search(Store.ROWS, _rows(tables))


def _rows(tables: Tables) -> Iterator[Part]:
    """Each row as JSON, which Cassandra makes of every type, and each of its blobs as the bytes it is."""
    for name in tables.run("SELECT keyspace_name, table_name FROM system_schema.tables"):
        place = f"{name.keyspace_name}.{name.table_name}"
        cql = f'SELECT JSON * FROM {name.keyspace_name}."{name.table_name}"'  # noqa: S608
        for row in tables.run(cql):
            yield place, row[0].encode() + b"\n"
            for blob in _BLOB.findall(row[0]):
                yield place, bytes.fromhex(blob) + b"\n"


def search_files(searcher: Searcher, state: Path) -> None:
    """Search every file below the state of a cloud that has stopped, and what is packed in archives there.

    Raises:
        UnreadableStore: A table of Cassandra is compressed.
    """
    by_store: dict[Store, list[Path]] = defaultdict(list)
    for path in sorted(state.rglob("*")):
        if path.name.endswith("-CompressionInfo.db"):
            raise UnreadableStore(f"{path.relative_to(state)}: the table is compressed")
        if stat.S_ISREG(path.lstat().st_mode):
            by_store[store_of(path.relative_to(state))].append(path)
    for store in Store:
        if store is not Store.ROWS:
            searcher.search(store, _parts(by_store[store], state))


def _parts(paths: list[Path], state: Path) -> Iterator[Part]:
    for path in paths:
        place = str(path.relative_to(state))
        yield from in_chunks(place, path)
        if zipfile.is_zipfile(path):
            yield from _unpacked(place, path)


def _unpacked(place: str, path: Path) -> Iterator[Part]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            with archive.open(member) as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield f"{place}!{member.filename}", chunk
