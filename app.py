"""The entry of the CDK: ``cdk synth -c stage=dev``. Without a stage it is the local one."""

from __future__ import annotations

import os

from aws_cdk import App

from infra.application import CDK_FLAGS, DEFAULT_GATEWAY_PORT, build, refuse_real_account, stage_from_context

app = App(context=CDK_FLAGS)
settings = stage_from_context(app)
refuse_real_account(settings, os.environ)
build(app, settings, local_port=int(os.environ.get("GATEWAY_PORT", DEFAULT_GATEWAY_PORT)))
app.synth()
