"""Linking: what the code is good for, and that its owner notices when somebody else used it."""

from __future__ import annotations

import asyncio
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import segno
from heliograph import Client, HeliographError, LinkedElsewhere
from heliograph.cli.context import Context, current
from heliograph.cli.devices import link, picture
from heliograph.linking import CODE_LIFE_MS, check_number

from tests.unit.client.world import World, run

VECTORS = Path(__file__).parents[3] / "schemas" / "vectors" / "link_check.json"


@pytest.mark.parametrize("vector", json.loads(VECTORS.read_text())["vectors"], ids=lambda v: v["check"])
def test_the_check_number_is_that_of_the_vectors(vector: dict[str, Any]) -> None:
    """Both sides compute it alike."""
    assert (
        check_number(*(vector[k] for k in ("audience", "account", "device", "auth_key"))) == vector["check"]
    )


async def offered(world: World, by: Client, new: Client) -> Any:
    """Link, and give what both sides know: check number and offer."""
    code = await new.start_linking()
    check = await by.link(code)
    return check, await new.link_offer(5)


def test_both_devices_show_the_same_number(world: World) -> None:
    """The new one shows whose account it is before it goes on; nothing is stored until it is accepted."""

    async def story() -> None:
        async with world.people("alice") as (alice,), world.client("phone") as phone:
            check, offer = await offered(world, alice, phone)
            assert (offer.handle, offer.account, offer.device) == ("alice", alice.account, 2)
            assert offer.check == check
            assert not phone.registered
            await phone.accept_link(offer)
            assert phone.handle == "alice"

    run(story())


def test_an_offer_of_somebody_else_is_refused(world: World) -> None:
    """The key that they know is thrown away: the next code is another, and theirs leads nowhere."""

    async def story() -> None:
        async with world.people("alice", "mallory") as (alice, mallory), world.client("phone") as phone:
            stolen = await phone.start_linking()
            await mallory.link(stolen)
            with pytest.raises(LinkedElsewhere, match="mallory took this device in, not alice"):
                await phone.linked(5, handle="alice")
            assert not phone.registered
            code = await phone.start_linking()
            assert code != stolen
            await alice.link(code)
            await phone.linked(5, handle="alice")
            assert phone.account == alice.account

    run(story())


def test_who_comes_second_is_told(world: World) -> None:
    """Where somebody else was first, the owner's device says so."""

    async def story() -> None:
        async with world.people("alice", "mallory") as (alice, mallory), world.client("phone") as phone:
            code = await phone.start_linking()
            await mallory.link(code)
            with pytest.raises(HeliographError) as refused:
                await alice.link(code)
            assert refused.value.code == "LINK_TAKEN"

    run(story())


def test_a_code_lives_ten_minutes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same until then, over a restart too; then another one, whose key nobody has seen."""

    async def story() -> None:
        async with world.client("phone") as phone:
            code = await phone.start_linking()
            assert await phone.start_linking() == code
        async with world.client("phone") as phone:
            assert await phone.start_linking() == code
            started = phone._clock.local()
            for later, same in ((CODE_LIFE_MS - 1_000, True), (CODE_LIFE_MS + 1_000, False)):
                monkeypatch.setattr(phone._clock, "local", lambda later=later: started + later)
                assert (await phone.start_linking() == code) is same

    run(story())


def test_the_picture_is_the_code() -> None:
    """Half blocks, two rows of dots a line: read back, they are the QR code of exactly this text."""
    code = f"hl1.{'A' * 43}"
    dots: list[list[int]] = []
    for line in picture(code).splitlines():
        plain = line.replace("\x1b[7m", "").replace("\x1b[0m", "").replace("\x1b[49m", "")
        upper = [1 if c in " \u2584" else 0 for c in plain]
        lower = [1 if c in " \u2580" else 0 for c in plain]
        dots += [upper, lower]
    wanted = [list(row) for row in segno.make(code, micro=False, error="l").matrix_iter(border=4)]
    assert dots[: len(wanted)] == wanted


class Terminal(io.StringIO):
    """A stream that a person sits at."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("answer", "account", "by", "joins"),
    [
        ("y\n", None, "alice", True),
        ("n\n", None, "alice", False),
        ("\n", None, "alice", False),
        ("", "alice", "alice", True),
        ("y\n", "alice", "mallory", False),
    ],
)
def test_the_command_asks_whose_account_it_is(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    account: str | None,
    by: str,
    joins: bool,
) -> None:
    """With its handle and the digits; `--account` answers for a script. A refused one leaves no account."""
    monkeypatch.setattr(sys, "stdin", Terminal(answer))

    async def story() -> None:
        async with world.people("alice", "mallory") as people:
            me = dict(zip(("alice", "mallory"), people, strict=True))
            context = Context("phone", None, json=False)
            monkeypatch.setattr(Context, "client", lambda self, **_: world.client("phone"))
            current.set(context)
            linking = asyncio.create_task(link(account=account, timeout=5))
            while not (code := capsys.readouterr().out.strip()):  # noqa: ASYNC110 - it prints
                await asyncio.sleep(0.01)
            check = await me[by].link(code)
            if joins:
                await linking
                assert f"{check[:3]} {check[3:]}" in capsys.readouterr().out
            else:
                with pytest.raises(LinkedElsewhere):
                    await linking
            async with world.client("phone") as phone:
                assert phone.registered is joins

    run(story())


def test_the_old_device_reads_a_code_from_stdin(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a program that reads the picture writes it."""

    async def story() -> None:
        async with world.people("alice") as (alice,), world.client("phone") as phone:
            monkeypatch.setattr(sys, "stdin", io.StringIO(await phone.start_linking() + "\n"))
            await alice.close()
            monkeypatch.setattr(Context, "client", lambda self, **_: world.client("alice"))
            current.set(Context("alice", None, json=True))
            await link("-")
            offer = await phone.link_offer(5)
            assert json.loads(capsys.readouterr().out) == {"linked": True, "check": offer.check}

    run(story())
