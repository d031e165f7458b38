"""Phone numbers as handles: codes by text message, who may use them, and what a crash costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from urllib.error import URLError

import pytest
from heliograph import Client, Plain, VerificationFailed

from local.cloud import LocalCloud
from tests.barriers import Barriers
from tests.e2e.client import Device, Json, now
from tests.e2e.phones import Phones, another, ask, say
from tests.e2e.tables import Tables

pytestmark = pytest.mark.local_only

MINUTE, DAY = 60_000, 86_400_000


@pytest.fixture
def phones(cloud: LocalCloud) -> Phones:
    """Everybody's phone."""
    return Phones(cloud.lambda_log)


@pytest.fixture
def phone(base_url: str, phones: Phones) -> Device:
    """A device whose handle is a number; it has no account yet."""
    return Device(base_url, phones.number())


def spent(tables: Tables) -> int:
    """What today's messages cost so far, yesterday's included, as a test may run at midnight."""
    day = now() // DAY
    rows = [tables.run("SELECT cents FROM spending_by_day WHERE day = %s", each) for each in (day - 1, day)]
    return sum(row.cents for found in rows for row in found)


def code_of(refused: tuple[int, Json]) -> tuple[int, str, int | None]:
    """Status, code and attempts of a refusal."""
    status, answer = refused
    return status, answer["error"]["code"], answer["error"].get("details", {}).get("attempts")


def dies(call: Callable[[], tuple[int, Json]]) -> None:
    """Make a request whose worker ends meanwhile."""
    with suppress(URLError, ConnectionError):
        status, _ = call()
        assert status >= 500


def a_minute_later(barriers: Barriers) -> None:
    """Put the clock of the function that sends codes ahead: another code may be asked for."""
    barriers.skew("codes", MINUTE + 1_000)


async def test_a_number_becomes_a_handle(phone: Device, phones: Phones, alice: Device) -> None:
    """Asked for, read on the phone, said: others find the account by its number, matched exactly."""
    status, answer = ask(phone)
    assert status == 200, answer
    assert answer["again_at"] < answer["expires_at"]

    status, answer = say(phone, await phones.code(phone.handle))

    assert (status, answer["handle"]) == (200, phone.handle)
    status, found = alice.request("GET", f"/v1/handles/{phone.handle}")
    assert (status, found["account"]) == (200, phone.account)
    async with await phone.connect(), await alice.connect() as sender:
        [result] = await sender.send(alice.message(phone))
        assert "error" not in result


async def test_the_sdk_registers_a_number(base_url: str, phones: Phones, tmp_path: Path) -> None:
    """As an application does: ask, let the code be typed, talk with somebody who has a number, too."""
    async with AsyncExitStack() as stack:
        made = []
        for name in ("dora", "emil"):
            client = await stack.enter_async_context(
                Client(tmp_path / f"{name}.db", base_url, seal=Plain(), ack_delay=0)
            )
            number = phones.number()
            await client.request_code(number)
            code = await phones.code(number)
            with pytest.raises(VerificationFailed) as refused:
                await client.register(number, code=another(code))
            assert refused.value.attempts == 4
            await client.register(number, code=code)
            made.append(client)
        dora, emil = made
        await emil.accept(dora.account)
        message = await (await dora.conversation(emil.handle)).send("Hi Emil")
        assert (await message.reached("delivered", 30)).status == "delivered"


async def test_discovery_tells_the_methods(phone: Device) -> None:
    """The local stage takes names from everybody, and numbers by code."""
    assert phone.discovery()["verification"] == ["open", "otp"]


async def test_a_code_is_worth_nothing_to_another_key(phone: Device, phones: Phones) -> None:
    """Who reads it elsewhere cannot use it, before and after its owner did."""
    thief = Device(phone.base_url, phone.handle)
    ask(phone)
    code = await phones.code(phone.handle)

    assert code_of(say(thief, code)) == (403, "VERIFICATION_FAILED", 0)
    assert say(phone, code)[0] == 200
    assert code_of(say(thief, code)) == (403, "VERIFICATION_FAILED", 0)


async def test_five_wrong_codes_end_it(phone: Device, phones: Phones) -> None:
    """The answer counts down; then the right one is worth nothing."""
    ask(phone)
    code = await phones.code(phone.handle)

    left = [code_of(say(phone, another(code))) for _ in range(5)]

    assert left == [(403, "VERIFICATION_FAILED", n) for n in (4, 3, 2, 1, 0)]
    assert code_of(say(phone, code)) == (403, "VERIFICATION_FAILED", 0)


async def test_a_number_waits_for_another_code(phone: Device, phones: Phones, barriers: Barriers) -> None:
    """A minute, whatever key asks; then the new code takes the place of the old one."""
    ask(phone)
    first = await phones.code(phone.handle)

    status, answer = ask(phone, key=Device(phone.base_url).auth_key)
    assert (status, answer["error"]["code"]) == (429, "RATE_LIMITED")
    assert 50 <= answer["error"]["retry_after"] <= 60

    a_minute_later(barriers)
    assert ask(phone)[0] == 200
    second = await phones.code(phone.handle, messages=2)
    assert first == second or code_of(say(phone, first)) == (403, "VERIFICATION_FAILED", 4)
    assert say(phone, second)[0] == 200


async def test_a_new_phone_retires_the_old_one(phone: Device, phones: Phones, barriers: Barriers) -> None:
    """Also of somebody else who got the number: a new account that inherits nothing."""
    ask(phone)
    say(phone, await phones.code(phone.handle))
    before = phone.account
    new = Device(phone.base_url, phone.handle)
    a_minute_later(barriers)
    ask(new)

    status, answer = say(new, await phones.code(phone.handle, messages=2))

    assert status == 200, answer
    assert new.account != before
    status, answer = phone.request("GET", "/v1/devices")
    assert (status, answer["error"]["code"]) == (401, "ACCOUNT_REPLACED")


async def test_the_answer_does_not_tell_who_is_here(
    phone: Device, phones: Phones, barriers: Barriers
) -> None:
    """Asking for the code of a number with an account is answered as for one without."""
    ask(phone)
    say(phone, await phones.code(phone.handle))
    a_minute_later(barriers)

    known, unknown = (ask(Device(phone.base_url, number)) for number in (phone.handle, phones.number()))

    assert known[0] == unknown[0] == 200
    assert known[1].keys() == unknown[1].keys()


@pytest.mark.parametrize(("handle", "method"), [("+12015550123", "open"), ("walter", "otp")])
async def test_names_and_numbers_never_meet(base_url: str, handle: str, method: str) -> None:
    """Nobody takes a number by saying so, or a name by a phone."""
    device = Device(base_url, handle)

    status, answer = device.register(verification={"method": method, "code": "123456"})

    assert (status, answer["error"]["code"]) == (400, "BAD_REQUEST")
    assert answer["error"]["details"] == {"path": "handle", "rule": "method"}


async def test_no_code_goes_to_other_countries(phone: Device) -> None:
    """Those that are not on the stage's list."""
    status, answer = ask(phone, number="+35312345678")

    assert (status, answer["error"]["code"]) == (403, "NUMBER_NOT_SERVED")


@pytest.mark.parametrize("point", ["codes.codes.put.before", "codes.text_sender.send.before"])
async def test_a_crash_before_the_message_left_counts_as_sent(
    phone: Device, phones: Phones, barriers: Barriers, tables: Tables, point: str
) -> None:
    """In money and in tokens: the sum is never less than what was sent. A minute later it works."""
    before = spent(tables)
    barriers.once(point, "kill")
    dies(lambda: ask(phone))
    await barriers.used(point, "kill")

    assert phones.messages(phone.handle) == []
    assert spent(tables) == before + 1
    assert ask(phone)[1]["error"]["code"] == "RATE_LIMITED"
    a_minute_later(barriers)
    assert ask(phone)[0] == 200
    assert say(phone, await phones.code(phone.handle))[0] == 200


async def test_a_lost_answer_is_repeated_with_the_same_code(
    phone: Device, phones: Phones, barriers: Barriers
) -> None:
    """The worker dies after it made the account: the same registration again gives that account."""
    ask(phone)
    code = await phones.code(phone.handle)
    barriers.once("register.cards.create.after", "kill")
    dies(lambda: say(phone, code))
    await barriers.used("register.cards.create.after", "kill")

    status, answer = say(phone, code)

    assert status == 200, answer
    assert say(phone, code)[1] == answer


async def test_nothing_of_a_phone_is_logged(cloud: LocalCloud, phone: Device, phones: Phones) -> None:
    """The message itself is the one line that holds number and code: here the log is the phone."""
    start = cloud.lambda_log.stat().st_size
    ask(phone)
    code = await phones.code(phone.handle)
    say(phone, another(code))
    say(phone, code)
    async with await phone.connect():
        pass

    with cloud.lambda_log.open("rb") as file:
        file.seek(start)
        lines = [json.loads(line) for line in file.read().decode().splitlines()]
    holding = [line for line in lines if phone.handle[1:] in line["text"] or code in line["text"]]
    assert [line["function"].rpartition("-")[2] for line in holding] == ["codes"]
