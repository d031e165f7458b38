"""The table of a session of fault runs, and its last line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tests.faults.run import Outcome


def table(outcomes: Sequence[Outcome], titles: Mapping[str, str], not_yet: Mapping[str, str]) -> str:
    """Fault x runs x violations. A fault whose feature is not built is shown as such, never as passed."""
    runs: Counter[str] = Counter()
    violations: Counter[str] = Counter()
    for outcome in outcomes:
        for name in outcome.faults or ("none",):
            runs[name] += 1
            violations[name] += len(outcome.violations)
    rows = [("", "fault", "runs", "violations")]
    rows += [(name, title, str(runs[name]), str(violations[name])) for name, title in titles.items()]
    if runs["none"]:
        rows.append(("-", "no fault", str(runs["none"]), str(violations["none"])))
    rows += [(name, title, "-", "not applicable yet") for name, title in not_yet.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        f"{name:<{widths[0]}}  {title:<{widths[1]}}  {count:>{widths[2]}}  {found:>{widths[3]}}".rstrip()
        for name, title, count, found in rows
    )


def failures(outcomes: Sequence[Outcome], only: str = "") -> str:
    """Every failed run: what was violated, and the command that plays its plan again.

    ``only`` is part of the command: which faults there are to draw from changes the plan.
    """
    lines = []
    for outcome in outcomes:
        if outcome.violations:
            faults = ", ".join(outcome.faults) or "no fault"
            lines.append(f"seed {outcome.seed}: {faults}   {outcome.history}")
            lines += [f"  {violation}" for violation in outcome.violations[:10]]
            if len(outcome.violations) > 10:
                lines.append(f"  ... and {len(outcome.violations) - 10} more")
            lines.append(f"  again:  make faults SEED={outcome.seed}" + (f" ONLY={only}" if only else ""))
    return "\n".join(lines)


def last_line(outcomes: Sequence[Outcome]) -> str:
    """``N runs, M violations``."""
    return f"{len(outcomes)} runs, {sum(len(outcome.violations) for outcome in outcomes)} violations"
