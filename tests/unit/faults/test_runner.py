"""What a session of fault runs draws, plays again and says."""

from __future__ import annotations

from pathlib import Path

from tests.faults import report
from tests.faults.checker import Violation
from tests.faults.plan import TALK_SECONDS, plan
from tests.faults.run import Outcome

WEIGHTS = {"F1": 0.2, "F3": 3.0, "F8": 1.0}
SEEDS = range(300)


def outcome(seed: int, *faults: str, broken: str = "") -> Outcome:
    """A run that was played."""
    return Outcome(seed, Path(f"run-{seed}"), faults, [Violation(broken, "text")] if broken else [])


def test_a_seed_is_a_plan() -> None:
    """The same seed gives the same plan, another one another: a failed run can be played again."""
    assert [plan(seed, WEIGHTS) for seed in SEEDS] == [plan(seed, WEIGHTS) for seed in SEEDS]
    assert len({str(plan(seed, WEIGHTS)) for seed in SEEDS}) == len(SEEDS)


def test_plans_stay_within_their_bounds() -> None:
    """2 to 4 accounts, 20 to 60 messages between them, 1 to 3 faults, all while devices talk."""
    for seed in SEEDS:
        drawn = plan(seed, WEIGHTS)
        texts = [step for step in drawn.steps if step.what == "send"]
        assert 2 <= len(drawn.accounts) <= 4
        assert 20 <= len(texts) <= 60
        assert all(step.argument in drawn.accounts and step.argument != step.device[0] for step in texts)
        assert 1 <= len(drawn.faults) <= 3
        assert all(0 <= at <= TALK_SECONDS for at, _ in drawn.faults)


def test_plans_reach_everything() -> None:
    """Over some seeds every fault and every kind of step comes up, and heavy faults seldom."""
    drawn = [plan(seed, WEIGHTS) for seed in SEEDS]
    kinds = {step.what for each in drawn for step in each.steps}
    faults = [name for each in drawn for _, name in each.faults]
    assert kinds == {"send", "read", "block", "unblock", "accept", "restart", "kill", "link", "remove"}
    assert 0 < faults.count("F1") < faults.count("F8") < faults.count("F3")


def test_the_first_fault_is_the_one_that_was_asked_for() -> None:
    """A session meets every fault early, whatever the weights."""
    assert all("F1" in [name for _, name in plan(seed, WEIGHTS, first="F1").faults] for seed in SEEDS)
    assert [name for _, name in plan(1, {}, first="F8").faults] == ["F8"]


def test_the_table_counts_runs_and_violations_by_fault() -> None:
    """A run counts for each of its faults; so does what was violated in it."""
    text = report.table(
        [outcome(1, "F1"), outcome(2, "F1", "F3", broken="I1")], {"F1": "one", "F3": "three"}, {}
    )
    rows = {line.split()[0]: line.split()[-2:] for line in text.splitlines()[1:]}
    assert rows == {"F1": ["2", "1"], "F3": ["1", "1"]}


def test_what_is_not_built_is_never_counted_as_passed() -> None:
    """Faults of features that do not exist yet show no runs and no zero."""
    text = report.table([outcome(1, "F1")], {"F1": "one"}, {"F5": "duplicate job"})
    assert text.splitlines()[-1].split() == ["F5", "duplicate", "job", "-", "not", "applicable", "yet"]


def test_a_violation_is_told_with_the_command_that_plays_it_again() -> None:
    """The failed seed, what broke, how to repeat it; the last line counts."""
    outcomes = [outcome(7, "F3", broken="I5"), outcome(8, "F1")]
    text = report.failures(outcomes)
    assert "make faults SEED=7" in text
    assert "I5" in text
    assert "SEED=8" not in text
    assert report.last_line(outcomes) == "2 runs, 1 violations"
