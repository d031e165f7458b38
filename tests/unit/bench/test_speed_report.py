"""The report on speed: its page, its tables, and what is over budget."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import markdown
from bench.cpu.rows import Row
from bench.cpu.run import Size as Package
from bench.encryption.run import Found as Encryption
from bench.encryption.run import Size
from bench.encryption.store import StoreSize
from bench.speed import growth, report
from bench.speed.growth import AFTER_ACKS, WITHOUT_MARK, Timed
from bench.speed.idle import Clients, Idle
from bench.speed.lanes import Sample
from bench.speed.loads import ECHO_POST, ECHO_REPLY, MESSAGE, PEER, Loaded
from bench.speed.operations import Operations
from bench.speed.page import DASH, PAGE, Page, ms
from bench.speed.processes import Used
from bench.speed.report import Found
from bench.speed.through import Through
from bench.speed.tracing import Read, read_of

CPU = {"client": 0.1, "emulator": 0.5, "functions": 0.3, "Cassandra": 0.1}


def loaded(system: str, lanes: int, count: int, rate: float = 0, cpu: Used | None = None) -> Loaded:
    """So many messages within a second, of 1, 2, 3 ... ms."""
    times = [float(i + 1) for i in range(count)]
    return Loaded(system, lanes, rate, Sample(1.0, times, times), cpu)


def timed(name: str, own: int, others: int, took: float, tombstones: int = 0) -> Timed:
    """One row of the growth measurement."""
    return Timed(name, own, others, took, live=2, tombstones=tombstones)


@pytest.fixture
def found() -> Found:
    """A run in which all is well."""
    systems = {ECHO_REPLY: 200, ECHO_POST: 100, PEER: 40, MESSAGE: 30}
    used = Used(1.0, CPU)
    sizes = [(own, others) for others in (1, 100) for own in (100, 10_000)]
    return Found(
        ours=[Operations(n, 3, 1, 2, 3, 5.0) for n in (2, 20)],
        peer=[Operations(n, n + 1, 1, 0, 0.5, n + 1.5) for n in (2, 20)],
        steady=[loaded(s, 20, 40, rate, used) for rate in (20, 50) for s in systems],
        fastest=[loaded(s, n, count * n, cpu=used) for n in (1, 10) for s, count in systems.items()],
        bare=Idle(500, 700, {"emulator": 20_480.0, "functions": 0.0, "client": 10_240.0}),
        signed=Idle(500, 90, {"emulator": 30_720.0, "functions": 1024.0, "client": 10_240.0}),
        clients=Clients(20, 512_000.0, 60_000_000),
        warm=[Row("send: 1 message", 2.8, 1.4, 7.0, 200)],
        cold=[Row("imports: send", 185, 147, 700, 5)],
        sizes=[Package("layer core", 125_000, 340_000)],
        through=[Through("passphrase", 2_000, 80.0, 3.0, 400.0, 2.0)],
        encryption=Encryption(
            [Row("encrypt", 0.3, 0.25, 1.2, 300)],
            [Size("envelope", 410)],
            StoreSize(100, 80_000, 70_000, 62),
        ),
        growth=[
            timed(name, own, others, 2.0) for name in (AFTER_ACKS, WITHOUT_MARK) for own, others in sizes
        ],
    )


def test_the_page_has_a_place_for_every_section(found: Found) -> None:
    """docs/performance.md has the markers of each section, and of no other."""
    page = PAGE.read_text()
    for name in report.sections(found):
        markdown.replace_between(page, name, "x")
    assert page.count("written by make bench") == len(report.sections(found))


def test_a_page_is_written_with_its_pictures(tmp_path: Path, found: Found) -> None:
    """What stands between markers is replaced, the prose stays, and pictures lie in a folder beside it."""
    path = tmp_path / "page.md"
    parts = report.sections(found)
    marks = "".join(f"{markdown.begin(name)}\nold\n{markdown.end(name)}\n" for name in parts)
    path.write_text(f"before\n{marks}after\n")
    page = Page(path)
    report.write(page, parts)
    assert "old" in path.read_text()
    page.write()
    text = path.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    pictures = {picture.name for picture in (tmp_path / "performance").iterdir()}
    assert pictures == {"frames.svg", "fixed-rates.svg", "highest-rates.svg", "growth.svg"}
    assert all(f"(performance/{name})" in text for name in pictures)


def test_a_missing_place_is_an_error(tmp_path: Path, found: Found) -> None:
    """A section is never dropped in silence, and nothing is written."""
    path = tmp_path / "page.md"
    path.write_text("nothing here\n")
    with pytest.raises(ValueError, match="no place for machine"):
        report.write(Page(path), report.sections(found))
    assert path.read_text() == "nothing here\n"


def test_rates_stand_beside_the_echo_of_the_same_run(found: Found) -> None:
    """The ratio is to the posted echo with as many in flight; processor time is of one message."""
    rates, _, processors = report.sections(found)["highest rates"]
    assert f"| {MESSAGE} | 10 | 300 | 0.30 | 150 | 297 | 1.00 | 0.10 |" in rates
    assert f"| {MESSAGE} | 0.33 | 1.67 | 1.00 | 0.33 | 3.33 |" in processors


def test_a_system_without_proc_has_dashes() -> None:
    """Where processor time cannot be read, nothing is made up."""
    found = [loaded(s, 1, 100) for s in (ECHO_REPLY, ECHO_POST, PEER, MESSAGE)]
    rates, _, processors = report.sections(Found(fastest=found, growth=[timed("x", 1, 1, 1)]))[
        "highest rates"
    ]
    assert f"| {MESSAGE} | 1 | 100 | 1.00 | 50.0 | 99.0 | {DASH} | {DASH} |" in rates
    assert f"| {MESSAGE} |" not in processors


def test_a_run_in_which_all_is_well_is_within_budget(found: Found) -> None:
    """Nothing to say."""
    assert report.over(found) == []


def test_a_message_of_too_many_echoes_is_over_budget(found: Found) -> None:
    """Named with how many were in flight."""
    found.fastest = [loaded(ECHO_POST, 10, 1000), loaded(MESSAGE, 10, 100)]
    assert report.over(found) == ["10 messages in flight: 0.10 messages per posted echo"]


def test_tombstones_that_a_mark_should_skip_are_over_budget(found: Found) -> None:
    """A device without a mark may read them."""
    found.growth = [
        timed(AFTER_ACKS, 10_000, 1, 2.0, tombstones=100),
        timed(WITHOUT_MARK, 10_000, 1, 2.0, tombstones=10_000),
    ]
    assert report.over(found) == [f"{AFTER_ACKS} (10,000): 100 tombstones"]


def test_a_call_that_grows_with_the_tables_is_over_budget(found: Found) -> None:
    """More than twice as long with a hundred times more of something; not where it is known to grow."""
    found.growth = [
        timed(name, own, others, took)
        for name in ("send", WITHOUT_MARK)
        for own, others, took in ((100, 1, 2.0), (10_000, 1, 2.2), (100, 100, 6.0), (10_000, 100, 6.0))
    ]
    assert report.over(found) == [
        "send: 3.0 times as long with a hundred times more users and rows of others"
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(0.94, "0.9"), (99.94, "99.9"), (99.96, "100"), (1234.5, "1,234")]
)
def test_milliseconds_have_no_digits_that_say_nothing(value: float, text: str) -> None:
    """One decimal below a hundred."""
    assert ms(value) == text


def test_reads_are_summed_over_the_events_of_a_trace() -> None:
    """As Cassandra words them; other events count nothing."""
    events = [
        "Parsing SELECT ...",
        "Read 2 live rows and 10 tombstone cells",
        "Read 1 live rows and 0 tombstone cells",
        "Merged data from memtables and 2 sstables",
    ]
    assert read_of(events) == Read(live=3, tombstones=10)


def test_rows_are_of_one_device_in_order() -> None:
    """Filled-in rows look as ``send`` writes them: named by their sender, ascending, of the asked age."""
    me = growth.Address(growth.AccountId("0190a3e2-0000-7000-8000-000000000001"), growth.FIRST_DEVICE)
    rows = growth.rows_for(me, me, 3, age=60_000)
    assert [row.device for row in rows] == [me] * 3
    assert sorted(row.name.id for row in rows) == [row.name.id for row in rows]
    assert len({row.name for row in rows}) == 3
