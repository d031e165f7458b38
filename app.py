"""The entry of the CDK: ``cdk synth -c stage=dev``. Without a stage it is the local one."""

from __future__ import annotations

import os
import sys

from aws_cdk import App

from infra.application import CDK_FLAGS, DEFAULT_GATEWAY_PORT, build, refuse_real_account, stage_from_context
from infra.assets import AssetError
from infra.stages import StageError


def main() -> None:
    """Synthesize the stage that the context names; end with one clear line where its settings forbid it."""
    app = App(context=CDK_FLAGS)
    try:
        settings = stage_from_context(app)
        refuse_real_account(settings, os.environ)
        build(app, settings, local_port=int(os.environ.get("GATEWAY_PORT", DEFAULT_GATEWAY_PORT)))
    except (StageError, AssetError) as refusal:
        sys.exit(f"heliograph: {refusal}")
    app.synth()


if __name__ == "__main__":
    main()
