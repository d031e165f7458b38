"""What a probe is, and the register of all of them.

A probe is a function with a docstring of two paragraphs: the question, and what to change if the answer
differs. ``@probe`` adds what was assumed, and where. The answer is one short phrase, so that it can be
compared; figures go into its detail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from operations.probe.place import Place


class Unanswered(Exception):
    """A probe cannot answer here; the text says why."""


@dataclass(frozen=True, slots=True)
class Saw:
    """What a probe saw, in the words of the assumption, and the figures behind it."""

    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Metered:
    """A question to CloudWatch about what was just done, asked once its figures are in.

    The sum of ``metric`` since ``since`` (seconds since 1970), less ``apart`` (what was done besides, so that
    an answer of zero differs from figures that are late), divided by ``times``.
    """

    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    since: float
    times: int
    unit: str
    apart: int = 0


Ask = Callable[["Place"], Saw | Metered]


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to a deployment.

    ``local``: what the local cloud is known to answer instead of what AWS is assumed to. ``minutes`` above
    zero: asked with ``--slow`` only. ``frames``, ``reads`` and ``writes`` bound what it costs, in messages
    and in request units of Keyspaces.
    """

    name: str
    question: str
    otherwise: str
    assumed: str
    used: str
    docs: str
    ask: Ask
    local: str | None = None
    minutes: int = 0
    frames: int = 0
    reads: int = 0
    writes: int = 0


@dataclass(slots=True)
class Register:
    """All probes by name, in the order in which they are asked."""

    probes: dict[str, Probe] = field(default_factory=dict)

    def add(
        self,
        *,
        assumed: str,
        used: str,
        docs: str,
        local: str | None = None,
        minutes: int = 0,
        frames: int = 10,
        reads: int = 0,
        writes: int = 0,
    ) -> Callable[[Ask], Ask]:
        """Register a function as a probe. Raises ``ValueError`` for a docstring without its two paragraphs.

        ``used`` is the file that relies on the assumption, ``docs`` the page (``docs/page.md#heading``).
        """

        def register(ask: Ask) -> Ask:
            name = ask.__name__.replace("_", "-")
            paragraphs = [" ".join(part.split()) for part in (ask.__doc__ or "").split("\n\n")]
            if len(paragraphs) != 2 or not paragraphs[1].startswith("If not: ") or name in self.probes:
                raise ValueError(f"{name}: a name of its own, a question, and 'If not: ...'")
            self.probes[name] = Probe(
                name, paragraphs[0], paragraphs[1].removeprefix("If not: "), assumed, used, docs, ask,
                local, minutes, frames, reads, writes,
            )  # fmt: skip
            return ask

        return register


REGISTER = Register()
probe = REGISTER.add
