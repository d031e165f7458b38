"""``make smoke`` against the stage under test."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from heliograph import Client

from operations.smoke import tokens
from operations.smoke.play import SmokeFailed, Stage, run
from operations.smoke.tokens import TokenCommand
from tests.integration.oidc.issuer import Issuer

STEPS = 10


async def test_every_step_holds_and_is_told_with_its_time(base_url: str) -> None:
    """Registration, chat, changes, a second device and its removal, through the stage as users reach it."""
    told: list[str] = []
    stage = Stage(base_url, tokens.from_environment(), told.append)
    await run(stage)
    assert len(told) == stage.steps == STEPS
    assert all(" ok " in line and line.endswith(" ms") for line in told)


@pytest.mark.local_only
async def test_the_next_run_of_the_same_person_takes_the_place_of_this_one(
    base_url: str, issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command's tokens register the same two handles again, as new accounts: none pile up."""
    (tmp_path / "key.pem").write_bytes(
        issuer.keys["ed-1"][0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    printing = f"{sys.executable} -m tests.integration.oidc.print_token {issuer.url} {tmp_path}/key.pem"
    register, made = Client.register, list[tuple[str, str]]()

    async def noted(self: Client, handle: str, **more: Any) -> None:
        await register(self, handle, **more)
        made.append((handle, self.account))

    monkeypatch.setattr(Client, "register", noted)
    for _ in range(2):
        await run(Stage(base_url, TokenCommand(printing), [].append))
    assert [handle for handle, _ in made[:2]] == [handle for handle, _ in made[2:]]
    assert len(dict(made)) == 2
    assert len({account for _, account in made}) == 4


@pytest.mark.local_only
async def test_what_does_not_hold_is_told_and_the_second_device_goes_all_the_same(
    base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step is named, the run ends there, and no device is left that was linked until then."""
    remove, removed = Client.remove_device, list[int]()

    async def broken(self: Client, *_: object, **__: object) -> None:
        raise AssertionError("no offer")

    async def noted(self: Client, device: int) -> None:
        await remove(self, device)
        removed.append(device)

    monkeypatch.setattr(Client, "link_offer", broken)
    monkeypatch.setattr(Client, "remove_device", noted)
    told: list[str] = []
    with pytest.raises(SmokeFailed, match="a links a second device"):
        await run(Stage(base_url, None, told.append))
    assert "FAIL a links a second device: no offer" in told[-1]
    assert removed == [2]
