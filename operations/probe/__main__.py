"""``make probe STAGE=dev``: ask a real deployment what nobody could check without one.

Without a stage the local cloud is asked, and started if need be: its known differences are told as such.
Deploys a stack of its own for the time it takes (``operations/probe/app.py``), and removes it.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

from bench.pricing import prices
from local import __main__ as local_commands
from local.cloud import LocalCloud
from local.errors import StepError
from local.places import Places
from local.steps import Steps
from operations.probe import bill, figures, functions, handshakes, slow, sockets, storage
from operations.probe.place import Place, cloud_place, local_place, stage_on_aws
from operations.probe.probes import REGISTER, Metered, Probe, Saw, Unanswered
from operations.probe.report import Answer, as_json, judge, line, summary

MODULES = (sockets, handshakes, functions, storage, bill, slow)
"""Where the probes are."""

READINGS = 7
"""How often figures of CloudWatch are read for one probe, at most."""

Tell = Callable[[str], None]


def dollars(probes: Iterable[Probe]) -> float:
    """What these probes cost at most on AWS: messages, request units, and reading the figures."""
    used: Counter[str] = Counter()
    for probe in probes:
        used["websocket_frames"] += probe.frames
        used["read_request_units"] += probe.reads
        used["write_request_units"] += probe.writes
        used["cloudwatch_metrics_read"] += READINGS * (probe.local == bill.NO_FIGURES)
    return sum(prices().per_million[item] * number / 1e6 for item, number in used.items())


def chosen(names: Sequence[str]) -> list[Probe]:
    """The probes of these names, all of them without names. Raises ``StepError`` for an unknown one."""
    if unknown := sorted(set(names) - REGISTER.probes.keys()):
        raise StepError(f"No probe is called {', '.join(unknown)}.", fix="python -m operations.probe --list")
    return [probe for name, probe in REGISTER.probes.items() if not names or name in names]


def ask_all(
    place: Place, probes: Sequence[Probe], *, with_slow: bool, tell: Tell
) -> tuple[list[Answer], dict[str, Metered]]:
    """Ask the probes one after the other, then the slow ones together.

    Returns the answers, and what only CloudWatch can answer.
    """
    answers: list[Answer] = []
    metered: dict[str, Metered] = {}

    def note(probe: Probe, got: Saw | Metered | Answer) -> None:
        if isinstance(got, Metered):
            metered[probe.name] = got
            return
        answers.append(judge(probe, got, local=place.local is not None) if isinstance(got, Saw) else got)
        tell(line(answers[-1]))

    for probe in probes:
        if not probe.minutes:
            note(probe, _ask(place, probe))
    later = [probe for probe in probes if probe.minutes]
    if with_slow and later:
        with ThreadPoolExecutor(len(later)) as pool:
            for probe, got in zip(later, pool.map(lambda one: _ask(place, one), later), strict=True):
                note(probe, got)
    else:
        for probe in later:
            note(probe, Answer(probe, "slow", why=f"{probe.minutes} minutes: --slow"))
    return answers, metered


def _ask(place: Place, probe: Probe) -> Saw | Metered | Answer:
    """One probe; whatever it trips over is no reason to leave the others out."""
    try:
        return probe.ask(place)
    except Unanswered as unanswered:
        return Answer(probe, "not answered", why=str(unanswered))
    except Exception as error:  # noqa: BLE001 - it is told, with its name
        return Answer(probe, "not answered", why=f"{type(error).__name__}: {str(error)[:160]}")


def read_figures(place: Place, metered: Mapping[str, Metered], *, stage: str, tell: Tell) -> list[Answer]:
    """The answers of CloudWatch as far as they are in."""
    cloudwatch = place.client("cloudwatch")
    if place.local:
        found = {name: figures.read(cloudwatch, what) for name, what in metered.items()}
        in_time = {
            name: Saw(bill.NO_FIGURES) if total is None else figures.saw(metered[name], total)
            for name, total in found.items()
        }
    else:
        if metered:
            tell(f"  Waiting for the figures of CloudWatch, at most {figures.WAIT // 60} minutes ...")
        in_time = figures.wait_for(cloudwatch, metered)
    answers = [
        judge(REGISTER.probes[name], in_time[name], local=place.local is not None)
        if name in in_time
        else Answer(
            REGISTER.probes[name], "later", why=f"look again in 5 minutes: make probe STAGE={stage} READ=1"
        )
        for name in metered
    ]
    for answer in answers:
        tell(line(answer))
    return answers


def run(
    where: AbstractContextManager[Place], probes: Sequence[Probe], *, with_slow: bool, tell: Tell
) -> list[Answer]:
    """Deploy the probe stack, ask, remove it whatever happened, read the figures."""
    with where as place:
        answers, metered = ask_all(place, probes, with_slow=with_slow, tell=tell)
        if place.local:
            return answers + read_figures(place, metered, stage="", tell=tell)
        figures.keep(place.stage, metered)
    return answers + read_figures(place, metered, stage=place.stage, tell=tell)


def _local() -> AbstractContextManager[Place]:
    if not LocalCloud(Places.from_environment().state).processes and local_commands.up(Steps()):
        raise StepError("The local cloud does not start.", fix="make up")
    return local_place(LocalCloud(Places.from_environment().state))


def _list(probes: Sequence[Probe]) -> None:
    for probe in probes:
        print(f"{probe.name}\n  {probe.question}\n  assumed: {probe.assumed} ({probe.used})")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m operations.probe", description=__doc__)
    parser.add_argument("--stage", default="", help="a deployed stage; without it the local cloud")
    parser.add_argument("--only", default="", help="names of probes, separated by commas")
    parser.add_argument(
        "--slow", action="store_true", help="also those that take up to two hours, side by side"
    )
    parser.add_argument("--read", action="store_true", help="only read the figures of the last run again")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--list", action="store_true", help="print the questions and ask nothing")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 where nothing differs, 1 where something does, 2 where nothing could be asked."""
    options = _options(arguments)
    tell: Tell = (lambda text: None) if options.json else (lambda text: print(text, flush=True))
    try:
        probes = chosen([name for name in options.only.split(",") if name])
        if options.list:
            _list(probes)
            return 0
        if options.read:
            place = stage_on_aws(options.stage)
            answers = read_figures(place, figures.kept(options.stage), stage=options.stage, tell=tell)
        else:
            cost = f"at most {100 * dollars(probes):.1f} cents" if options.stage else "nothing"
            tell(f"{len(probes)} probes of {options.stage or 'the local cloud'}; they cost {cost}.")
            where = cloud_place(options.stage) if options.stage else _local()
            answers = run(where, probes, with_slow=options.slow, tell=tell)
    except StepError as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 2
    print(as_json(answers) if options.json else summary(answers))
    return 1 if any(answer.verdict == "differs" for answer in answers) else 0


if __name__ == "__main__":
    sys.exit(main())
