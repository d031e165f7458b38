"""cdk-nag stops a synth with an open finding, and no accepted finding is out of date."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from aws_cdk import App

from infra import nag
from infra.application import CDK_FLAGS, build
from infra.stages import stage

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.deployment import Deployment


def test_accepted_findings_are_exactly_the_open_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the list in ``infra/nag.py`` the synth fails, with a finding for each entry and no other."""
    accepted = nag.ACCEPTED
    monkeypatch.setattr(nag, "ACCEPTED", ())
    app = App(context=CDK_FLAGS, outdir=str(tmp_path))
    build(app, stage("dev"))

    with pytest.raises(RuntimeError, match="ValidationFailed"):
        app.synth()

    report = json.loads((tmp_path / "validation-report.json").read_text())
    found = {
        (violation["ruleName"], construct["constructPath"].partition("/")[0])
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    }
    assert found == {
        (entry.rule.partition("::")[2].replace("{endpoints}", "heliograph-dev-endpoints"), stack)
        for entry in accepted
        for stack in entry.stacks
    }


def test_text_messages_open_no_finding(texting: Deployment) -> None:
    """The right to publish to phones passes the rules as it is: a finding would have stopped this synth."""
    assert texting.stage.sends_texts


def test_every_accepted_finding_has_a_reason() -> None:
    """A suppression without a sentence is refused."""
    for entry in nag.ACCEPTED:
        assert len(entry.reason.split()) > 8, entry.rule
        assert entry.stacks
