"""The stack that holds data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack

from infra.constructs.keyspace import Keyspace

if TYPE_CHECKING:
    from constructs import Construct

    from infra.stages import Stage


class DataStack(Stack):
    """Keyspace and tables. Where the stage keeps data, the stack refuses deletion and its tables stay."""

    def __init__(self, scope: Construct, stage: Stage) -> None:
        super().__init__(
            scope,
            "data",
            stack_name=f"heliograph-{stage.name}-data",
            description="Heliograph: keyspace and tables",
            termination_protection=stage.keeps_data,
        )
        Keyspace(self, "Heliograph", keeps_data=stage.keeps_data)
