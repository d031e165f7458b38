"""What is printed: what a probe saw beside what was assumed, and at last how many differ."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from operations.probe.probes import Probe, Saw

Verdict = Literal["as assumed", "known difference", "differs", "not answered", "later", "slow"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One probe's outcome; ``why`` for those without an answer."""

    probe: Probe
    verdict: Verdict
    saw: Saw | None = None
    why: str = ""


def judge(probe: Probe, saw: Saw, *, local: bool) -> Answer:
    """Compare with what was assumed.

    Where the local cloud is known to differ, the known answer is a known difference and never "as assumed",
    and the answer of AWS says that the emulator has caught up: it differs from what is known.
    """
    if local and probe.local is not None:
        return Answer(probe, "known difference" if saw.what == probe.local else "differs", saw)
    return Answer(probe, "as assumed" if saw.what == probe.assumed else "differs", saw)


def line(answer: Answer) -> str:
    """One line; for a difference, three: where it is relied upon and what to change."""
    probe, saw = answer.probe, answer.saw
    if saw is None:
        return f"  {answer.verdict:<17} {probe.name:<30} {answer.why}"
    told = f"{saw.what} ({saw.detail})" if saw.detail else saw.what
    text = f"  {answer.verdict:<17} {probe.name:<30} {told}"
    if answer.verdict == "known difference":
        text += f"; AWS, we assume: {probe.assumed}"
    if answer.verdict == "differs":
        text += f"\n{'':20}assumed: {probe.assumed}" + (f"; known here: {probe.local}" if probe.local else "")
        text += f"\n{'':20}relied on in {probe.used}, told in {probe.docs}\n{'':20}{probe.otherwise}"
    return text


def summary(answers: Sequence[Answer]) -> str:
    """How many of each; the number that differ is last."""
    counts = Counter(answer.verdict for answer in answers)
    order: tuple[Verdict, ...] = (
        "as assumed",
        "known difference",
        "not answered",
        "later",
        "slow",
        "differs",
    )
    parts = [f"{counts[verdict]} {verdict}" for verdict in order if counts[verdict] or verdict == "differs"]
    return ", ".join(parts)


def as_json(answers: Sequence[Answer]) -> str:
    """All of it, for a script."""
    return json.dumps(
        [
            {
                "probe": answer.probe.name,
                "question": answer.probe.question,
                "verdict": answer.verdict,
                "saw": answer.saw.what if answer.saw else None,
                "detail": answer.saw.detail if answer.saw else answer.why,
                "assumed": answer.probe.assumed,
                "local": answer.probe.local,
                "used": answer.probe.used,
                "docs": answer.probe.docs,
                "otherwise": answer.probe.otherwise,
            }
            for answer in answers
        ],
        indent=2,
    )
