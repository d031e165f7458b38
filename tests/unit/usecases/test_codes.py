"""``codes``: what is sent to whom for how much, and whom a code proves anything about."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from chat.domain.limits import CODE_AGAIN, CODE_COUNTRY, CODE_NUMBER
from chat.domain.numbers import Prices
from chat.errors import ChatError, Code
from chat.ports.identity import Verification
from chat.ports.storage import OutcomeUnknown, StorageUnavailable
from chat.usecases.codes import (
    ATTEMPTS,
    CODE_MS,
    DAY_MS,
    Allowance,
    CodeRequest,
    CodeSent,
    OtpVerifier,
    request_code,
)

from tests.fakes.world import NOW, World

NUMBER, KEY, OTHER_KEY = "+12015550123", b"k" * 32, b"o" * 32
TODAY = NOW // DAY_MS


@pytest.fixture
def world() -> World:
    """A backend of fakes that sends to +1 for 1 cent, to +49 for 9, to +1876 never, for 100 cents a day."""
    return World()


def ask(world: World, number: str = NUMBER, key: bytes = KEY, cap: int = 100) -> CodeSent:
    """Request a code at the world's time."""
    return request_code(
        CodeRequest(number, key),
        allowance=Allowance(world.code_settings.prices, cap),
        codes=world.codes,
        spending=world.spending,
        sender=world.text_sender,
        limits=world.limits,
        now=world.time,
    )


def refusal(world: World, **asked: Any) -> ChatError:
    """What a request is refused with; nothing was sent and no code was stored or replaced."""
    before = (list(world.text_sender.sent), dict(world.codes.stored))
    with pytest.raises(ChatError) as refused:
        ask(world, **asked)
    assert (world.text_sender.sent, world.codes.stored) == before
    return refused.value


def owner(world: World, code: str, key: bytes = KEY, number: str = NUMBER) -> str:
    """Who the verifier takes somebody for."""
    verifier = OtpVerifier(world.codes, world.now)
    return verifier.owner(Verification("otp", code=code), handle=number, auth_key=key)


def rejected(world: World, code: str, **shown: Any) -> Any:
    """How many attempts are left after a code that is not taken."""
    with pytest.raises(ChatError) as refused:
        owner(world, code, **shown)
    assert refused.value.code is Code.VERIFICATION_FAILED
    return (refused.value.details or {}).get("attempts")


def wrong(code: str) -> str:
    """Another code."""
    return f"{(int(code) + 1) % 10**6:06}"


class TestAsking:
    """What a request costs and brings."""

    def test_the_phone_gets_the_code(self, world: World) -> None:
        """Six digits in one message; the answer says until when they are good and when one may ask again."""
        sent = ask(world)

        assert sent == CodeSent(NOW + CODE_MS, NOW + 60_000, "1", 1)
        [(number, text)] = world.text_sender.sent
        assert number == NUMBER
        assert text.isascii()
        assert len(text) <= 160
        assert owner(world, world.text_sender.code(NUMBER)) == f"otp:{NUMBER}"

    def test_the_code_is_stored_nowhere(self, world: World) -> None:
        """Only a keyed hash, under a hash of number and key; equal codes have different ones."""
        ask(world)

        stored = repr(world.codes.stored)
        assert world.text_sender.code(NUMBER) not in stored
        assert NUMBER[1:] not in stored
        assert KEY.decode() not in stored
        assert NUMBER[1:] not in repr(world.limit_rows.full_at)

    def test_codes_are_drawn_anew(self, world: World) -> None:
        """The second takes the place of the first, with all its attempts."""
        ask(world)
        first = world.text_sender.code(NUMBER)
        assert rejected(world, wrong(first)) == ATTEMPTS - 1
        world.time += 60_000
        ask(world)
        second = world.text_sender.code(NUMBER)

        assert first == second or rejected(world, first) == ATTEMPTS - 1
        assert owner(world, second) == f"otp:{NUMBER}"

    @pytest.mark.parametrize("number", ["+4312345678", "+18765550123", "+99912345678"])
    def test_a_country_that_is_not_on_the_list_gets_nothing(self, world: World, number: str) -> None:
        """Nor one that is taken out of a longer list; it costs no token and no cent."""
        assert refusal(world, number=number).code is Code.NUMBER_NOT_SERVED
        assert world.limit_rows.full_at == world.spending.cents == {}

    def test_a_number_waits_a_minute_for_another(self, world: World) -> None:
        """Whatever key asks; other numbers do not wait."""
        ask(world)

        refused = refusal(world, key=OTHER_KEY)

        assert (refused.code, refused.retry_after) == (Code.RATE_LIMITED, 60)
        ask(world, number="+12015550124")
        world.time += CODE_AGAIN.refill_ms
        ask(world, key=OTHER_KEY)

    def test_a_number_gets_at_most_five_in_24_hours(self, world: World) -> None:
        """However patiently somebody asks."""
        for _ in range(24 * 60):
            with suppress(ChatError):
                ask(world, cap=1_000)
            world.time += 60_000

        assert len(world.text_sender.sent) == CODE_NUMBER.burst + 2 == 5

    def test_a_country_has_a_bucket_of_its_own(self, world: World) -> None:
        """Beyond it no number of the country gets one; others do."""
        world.limit_rows.full_at["code_country:49"] = NOW + CODE_COUNTRY.fill_ms

        assert refusal(world, number="+4915123456789").code is Code.RATE_LIMITED
        ask(world)

    def test_a_day_costs_no_more_than_the_cap(self, world: World) -> None:
        """The message that would exceed it is refused until midnight UTC; then there is money again."""
        for number in range(11):
            ask(world, number=f"+4915123456{number:03}")

        refused = refusal(world, number="+4915123457000")

        assert refused.code is Code.CODES_EXHAUSTED
        assert refused.retry_after == (DAY_MS - NOW % DAY_MS) // 1000 + 1
        assert world.spending.cents == {TODAY: 99}
        ask(world, number="+12015550999")
        world.time += int(refused.retry_after * 1000)
        ask(world, number="+4915123457001")
        assert world.spending.cents == {TODAY: 100, TODAY + 1: 9}

    def test_who_is_limited_spends_nothing(self, world: World) -> None:
        """So nobody can use up the day's money by hammering one number."""
        ask(world)
        for _ in range(20):
            refusal(world)

        assert world.spending.cents == {TODAY: 1}

    @pytest.mark.parametrize("store", ["limit_rows", "spending"])
    @pytest.mark.parametrize("error", [StorageUnavailable("x"), OutcomeUnknown("x")], ids=repr)
    def test_no_doubt_is_decided_for_sending(self, world: World, store: str, error: Exception) -> None:
        """While tokens or the day's sum cannot be counted nothing is sent."""
        getattr(world, store).fails = error

        with pytest.raises(type(error)):
            ask(world)

        assert world.text_sender.sent == []

    def test_a_code_that_was_not_stored_is_not_sent(self, world: World) -> None:
        """The phone would show what nobody can use. It counts as spent."""
        world.codes.fails = StorageUnavailable("x")

        with pytest.raises(StorageUnavailable):
            ask(world)

        assert world.text_sender.sent == []
        assert world.spending.cents == {TODAY: 1}

    def test_a_message_that_did_not_leave_counts_as_sent(self, world: World) -> None:
        """In money and in tokens: nobody knows whether it left. The next try is another request."""
        world.text_sender.fails = True
        with pytest.raises(ChatError) as refused:
            ask(world)
        assert refused.value.code is Code.UNAVAILABLE
        assert world.spending.cents == {TODAY: 1}

        world.text_sender.fails = False
        assert refusal(world).code is Code.RATE_LIMITED
        world.time += 60_000
        ask(world)
        assert world.spending.cents == {TODAY: 2}


class TestSaying:
    """Who gets something for a code."""

    @pytest.fixture(autouse=True)
    def _asked(self, world: World) -> None:
        ask(world)

    def test_a_code_is_worth_nothing_to_another_key(self, world: World) -> None:
        """Not even with a code of its own for another number: somebody who reads it over a shoulder."""
        code = world.text_sender.code(NUMBER)
        ask(world, number="+12015550124", key=OTHER_KEY)

        assert rejected(world, code, key=OTHER_KEY) == 0
        assert owner(world, code) == f"otp:{NUMBER}"

    def test_a_code_is_worth_nothing_for_another_number(self, world: World) -> None:
        """Though the same key asked for both."""
        assert rejected(world, world.text_sender.code(NUMBER), number="+12015550124") == 0

    def test_five_attempts(self, world: World) -> None:
        """Each wrong one says how many are left; after the fifth the right code is none any more."""
        code = world.text_sender.code(NUMBER)

        assert [rejected(world, wrong(code)) for _ in range(6)] == [4, 3, 2, 1, 0, 0]
        assert rejected(world, code) == 0

    def test_the_attempt_is_used_up_before_the_comparison(self, world: World) -> None:
        """Where that cannot be done nothing is compared, so a broken store gives no free guesses."""
        world.codes.fails = OutcomeUnknown("x")

        with pytest.raises(OutcomeUnknown):
            owner(world, world.text_sender.code(NUMBER))

    def test_a_repeat_of_the_registration_is_served(self, world: World) -> None:
        """The answer may have been lost; the repeat is an attempt like any other."""
        code = world.text_sender.code(NUMBER)

        assert {owner(world, code) for _ in range(ATTEMPTS)} == {f"otp:{NUMBER}"}
        assert rejected(world, code) == 0

    def test_a_code_ends_after_ten_minutes(self, world: World) -> None:
        """To the millisecond, whatever the store still holds."""
        code = world.text_sender.code(NUMBER)
        world.time += CODE_MS - 1
        assert owner(world, code) == f"otp:{NUMBER}"

        world.time += 1

        assert rejected(world, code) == 0

    def test_an_absent_code_costs_no_attempt(self, world: World) -> None:
        """Nor does another method."""
        assert rejected(world, "") is None
        verifier = OtpVerifier(world.codes, world.now)
        with pytest.raises(ChatError, match="VERIFICATION_FAILED"):
            verifier.owner(Verification("open", code="123456"), handle=NUMBER, auth_key=KEY)
        assert [made for _, made in world.codes.stored.values()] == [0]


class TestPrices:
    """Which numbers cost what."""

    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            ("+4915123456789", ("49", 9)),
            ("+12015550123", ("1", 1)),
            ("+18765550123", None),
            ("+447700900123", ("4477", 4)),
            ("+4312345678", None),
        ],
    )
    def test_the_longest_prefix_counts(self, number: str, expected: tuple[str, int] | None) -> None:
        """So a part of a country can have a price of its own, or none."""
        prices = Prices.parse(("49:9", "1:1", "!1876", "4477:4"))

        assert prices.of(number) == expected

    @pytest.mark.parametrize(
        "entry", ["49", "49:", "49:0", ":9", "049:9", "+49:9", "49:9.5", "!", "!49:9", "49:10000", "4:9:9"]
    )
    def test_an_entry_that_is_none_is_refused(self, entry: str) -> None:
        """A free message or a typing error in the list is a hole in the budget."""
        with pytest.raises(ValueError, match="neither"):
            Prices.parse((entry,))
