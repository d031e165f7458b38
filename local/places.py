"""Where everything of one local cloud lies: below one folder, ``.local`` in the checkout if nothing else is
said.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Places:
    """The files of one local cloud, all below ``state``."""

    state: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Places:
        """``HELIOGRAPH_STATE_DIR``, or ``.local`` in the checkout."""
        return cls(Path(environ.get("HELIOGRAPH_STATE_DIR") or ROOT / ".local").resolve())

    @property
    def cassandra(self) -> Path:
        """Configuration and data of Cassandra."""
        return self.state / "cassandra"

    @property
    def aws(self) -> Path:
        """State of the local AWS."""
        return self.state / "aws"

    @property
    def ports(self) -> Path:
        """The remembered ports."""
        return self.state / "ports.json"

    @property
    def verifier(self) -> Path:
        """The remembered verifier, where another than the stage's was chosen."""
        return self.state / "verifier"

    @property
    def lock(self) -> Path:
        """Locked while a supervisor lives; the lock dies with it."""
        return self.state / "lock"

    @property
    def processes(self) -> Path:
        """Process ids and ports, written by the supervisor."""
        return self.state / "processes.json"

    @property
    def proven(self) -> Path:
        """The supervisor under which a message went through, written by ``up``."""
        return self.state / "proven"

    @property
    def deployed(self) -> Path:
        """What was deployed: hash of the sources and outputs of the stacks."""
        return self.state / "deployed.json"

    @property
    def assembly(self) -> Path:
        """The synthesized templates of the last deployment."""
        return self.state / "cdk.out"

    @property
    def profiles(self) -> Path:
        """Profiles of the seeded accounts, as the SDK keeps them."""
        return self.state / "profiles"

    @property
    def helio(self) -> Path:
        """The ``helio`` command for those profiles."""
        return self.state / "helio"

    @property
    def lambda_log(self) -> Path:
        """What the functions log: one JSON object a line."""
        return self.state / "lambda.log"

    def log(self, name: str) -> Path:
        """The log of ``supervisor``, ``cassandra``, ``aws`` or ``deploy``."""
        return self.state / f"{name}.log"
