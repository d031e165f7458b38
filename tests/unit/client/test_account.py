"""Registration, linking, devices, and which servers are refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from heliograph import (
    AlreadyRegistered,
    BadHandle,
    BadLinkCode,
    Client,
    CodesExhausted,
    HandleTaken,
    HeliographError,
    InsecureServer,
    NetworkError,
    NoServer,
    NotRegistered,
    NumberNotServed,
    Plain,
    RateLimited,
    SafetyNumberDiffers,
    Unavailable,
    VerificationFailed,
    blocking,
)

from tests.unit.client.fake_server import BASE_URL, CODE, error
from tests.unit.client.world import World, run, texts


def test_a_taken_handle_is_refused(world: World) -> None:
    """The second who wants a handle learns that it is taken."""

    async def story() -> None:
        async with world.people("alice"), world.client("other") as other:
            with pytest.raises(HandleTaken):
                await other.register("alice")
            assert not other.registered

    run(story())


class TestPhoneNumbers:
    """Registering with a code."""

    NUMBER = "+12015550123"

    def test_a_number_registers_with_its_code(self, world: World) -> None:
        """Asked for, said, found by others under the number."""

        async def story() -> None:
            async with world.people("alice") as (alice,), world.client("phone") as phone:
                sent = await phone.request_code(self.NUMBER)
                await phone.register(self.NUMBER, code=CODE)
                assert sent.expires_at > sent.again_at
                assert phone.handle == self.NUMBER
                assert (await alice.conversation(self.NUMBER)).peer == phone.account
                assert f"GET /v1/handles/{self.NUMBER}" in world.server.requests  # + as it stands is signed

        run(story())

    def test_a_wrong_code_tells_what_is_left(self, world: World) -> None:
        """Also for a device that the code was not sent for: it has none."""

        async def story() -> None:
            async with world.client("phone") as phone, world.client("thief") as thief:
                await phone.request_code(self.NUMBER)
                with pytest.raises(VerificationFailed) as refused:
                    await phone.register(self.NUMBER, code="123456")
                assert refused.value.attempts == 4
                with pytest.raises(VerificationFailed) as refused:
                    await thief.register(self.NUMBER, code=CODE)
                assert refused.value.attempts == 0
                assert not phone.registered
                assert not thief.registered
                await phone.register(self.NUMBER, code=CODE)

        run(story())

    def test_a_number_without_a_code_asks_nobody(self, world: World) -> None:
        """The SDK says what is missing."""

        async def story() -> None:
            async with world.client("phone") as phone:
                with pytest.raises(VerificationFailed, match="request_code"):
                    await phone.register(self.NUMBER)
                for other in ("12015550123", "+0201555012", "+1 2015550123", "alice"):
                    with pytest.raises(BadHandle):
                        await phone.request_code(other)
                assert world.server.requests == []

        run(story())

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("UNAVAILABLE", Unavailable),
            ("RATE_LIMITED", RateLimited),
            ("NUMBER_NOT_SERVED", NumberNotServed),
            ("CODES_EXHAUSTED", CodesExhausted),
        ],
    )
    def test_a_code_is_asked_for_once(self, world: World, code: str, kind: type[HeliographError]) -> None:
        """Whatever the answer: a repeat may send, and cost, another message."""
        world.server.refuse_request = lambda _: error(code, retry_after=0.01)

        async def story() -> None:
            async with world.client("phone") as phone:
                with pytest.raises(kind):
                    await phone.request_code(self.NUMBER)
                assert world.server.requests == ["POST /v1/codes"]

        run(story())

    def test_methods_are_told(self, world: World) -> None:
        """As the server's discovery lists them."""

        async def story() -> None:
            async with world.client("phone") as phone:
                assert await phone.verification() == ["open", "otp"]

        run(story())


def test_a_profile_is_one_account(world: World) -> None:
    """Registering another handle with a profile that has an account is refused."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            with pytest.raises(AlreadyRegistered):
                await alice.register("alice2")

    run(story())


def test_nothing_goes_without_an_account(world: World) -> None:
    """What needs an account says so, instead of hanging."""

    async def story() -> None:
        async with world.client("nobody") as nobody:
            with pytest.raises(NotRegistered):
                await nobody.conversation("alice")
            with pytest.raises(NotRegistered):
                await nobody.connected(1)

    run(story())


def test_a_client_needs_a_server(tmp_path: Path) -> None:
    """Without any server, registering raises NoServer."""

    async def story() -> None:
        async with Client(tmp_path / "a.db", seal=Plain()) as client:
            with pytest.raises(NoServer):
                await client.register("alice")

    run(story())


def test_linking_takes_a_new_device_in(world: World) -> None:
    """The code of a new device, taken in by an old one, makes it a device of the account: it gets copies."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob), world.client("phone") as phone:
            code = await phone.start_linking()
            waiting = asyncio.create_task(phone.linked(5))
            await alice.link(code, name="phone")
            await alice.link(code, name="phone")
            await waiting
            assert (phone.account, phone.device, phone.handle) == (alice.account, 2, "alice")
            await phone.connected(5)
            message = await (await alice.conversation("bob")).send("from the laptop")
            await message.reached("delivered", 5)
            assert await texts(phone, "bob") == ["from the laptop"]
            await (await (await bob.conversation("alice")).send("to both")).reached("sent", 5)
            assert (await texts(phone, "bob"))[-1] == "to both"
            await alice.remove_device(2)
            assert [device.device for device in await alice.devices()] == [1]

    run(story())


def test_a_bad_link_code_is_refused(world: World) -> None:
    """What is no code is refused before anything is asked."""

    async def story() -> None:
        async with world.people("alice") as (alice,):
            with pytest.raises(BadLinkCode):
                await alice.link("hl1.short")

    run(story())


def test_blocks(world: World) -> None:
    """Blocking and unblocking ask the server's routes."""

    async def story() -> None:
        async with world.people("alice", "bob") as (alice, bob):
            await alice.block(bob.account)
            await alice.unblock(bob.account)
            path = f"/v1/account/blocks/{bob.account}"
            assert world.server.requests[-2:] == [f"PUT {path}", f"DELETE {path}"]

    run(story())


def test_an_unreachable_server_is_a_network_error(world: World) -> None:
    """HTTPS to nobody raises NetworkError, which says that a retry may help."""

    async def story() -> None:
        world.server.reachable = False
        async with world.client("alice") as alice:
            with pytest.raises(NetworkError) as failed:
                await alice.register("alice")
            assert failed.value.retryable
            assert failed.value.docs_url == "docs/sdk.md#errors"

    run(story())


@pytest.mark.parametrize(
    "url",
    [
        "http://chat.example.org",
        "http://192.168.1.7:4566",
        "http://127.0.0.1.example.org",
        "http://0.0.0.0",
    ],
)
def test_other_machines_are_spoken_to_by_https_only(tmp_path: Path, url: str) -> None:
    """Plain http goes to this machine alone; any other server must be https, and the client says so."""

    async def story() -> None:
        with pytest.raises(InsecureServer, match="use https"):
            await Client(tmp_path / "a.db", url, seal=Plain()).__aenter__()
        async with Client(tmp_path / "a.db", seal=Plain()):
            pass

    run(story())


def test_an_insecure_socket_elsewhere_is_refused(world: World) -> None:
    """A server on this machine that hands out a plain socket URL elsewhere is refused too."""

    async def story() -> None:
        discovery = world.server._discovery
        world.server._discovery = lambda: discovery() | {"socket_url": "ws://elsewhere.example"}  # type: ignore[method-assign]
        async with world.client("alice") as alice:
            await alice.register("alice")
            with pytest.raises(NetworkError, match="INSECURE_SERVER"):
                await alice.connected(0.2)
            assert world.server.tried == []

    run(story())


def test_the_blocking_client(world: World) -> None:
    """Scripts register, send, read and receive without await."""
    options = {
        "seal": Plain(),
        "transport": world.server,
        "http_transport": world.server.http(),
        "ack_delay": 0.0,
    }
    with (
        blocking.Client(world.directory / "a.db", BASE_URL, **options) as alice,
        blocking.Client(world.directory / "b.db", BASE_URL, **options) as bob,
    ):
        alice.register("alice")
        bob.register("bob")
        assert alice.send("bob", "Hi").status == "sent"
        received = list(bob.receive(timeout=0.3))
        assert [message.text for message in received] == ["Hi"]
        bob.mark_read(received[0])
        assert [message.text for message in bob.history("alice")] == ["Hi"]
        assert bob.react(received[0], "👍").kind == "reaction"
        answer = bob.reply(received[0], "Ho")
        bob.edit(answer, "Hey")
        assert [message.text for message in bob.history("alice")] == ["Hi", "Hey"]
        bob.delete_for_everyone(answer)
        assert [message.deleted for message in bob.history("alice")] == [False, True]
        assert alice.registered
        number = alice.safety_number("bob")
        assert number == bob.safety_number("alice")
        alice.verify("bob", number.qr)
        with pytest.raises(SafetyNumberDiffers):
            bob.verify("alice", "another number")
        alice.unverify("bob")
        alice.trust("bob")
        alice.trust()
