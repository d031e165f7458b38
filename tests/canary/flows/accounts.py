"""Accounts: signing in, phone numbers, blocks."""

from __future__ import annotations

from tests.canary.flow import flow
from tests.canary.needles import Store
from tests.canary.scene import PATIENCE, Scene
from tests.e2e.phones import Phones


@flow(routes=("POST /v1/register",), verbs=("register", "sign_in_nonce", "verification"))
async def signing_in(scene: Scene) -> None:
    """Somebody registers with a token of an issuer, then signs in on a new device and replaces the account.

    A token may lie on the wire and nowhere else.
    """
    first, second = await scene.phone("first"), await scene.phone("second")
    handle = "signed.in"
    for phone in (first, second):
        await phone.client.verification()
        nonce = await phone.client.sign_in_nonce()
        token = scene.world.issuer.token(sub=handle, nonce=nonce)
        scene.keep(f"sign-in token of {phone.name}", token, frozenset({Store.WIRE}))
        await phone.client.register(handle, token=token)
        await phone.client.connected(PATIENCE)


@flow(routes=("POST /v1/codes", "POST /v1/register"), verbs=("request_code", "register"))
async def a_phone_number(scene: Scene) -> None:
    """Somebody proves a number with a code.

    Six digits are too short to search for: tests/e2e/test_log_scan.py looks at the logs.
    """
    phones = Phones(scene.world.cloud.lambda_log)
    phone, number = await scene.phone("phone"), Phones.number()
    await phone.client.request_code(number)
    await phone.client.register(number, code=await phones.code(number))
    await phone.client.connected(PATIENCE)


@flow(
    routes=(
        "GET /v1/account",
        "GET /v1/accounts/{account}/chain",
        "PUT /v1/account/blocks/{account}",
        "DELETE /v1/account/blocks/{account}",
        "PUT /v1/account/accepted/{account}",
    ),
    verbs=("accept", "block", "unblock", "blocked", "handle_of"),
    kinds=("text",),
)
async def blocks(scene: Scene) -> None:
    """Somebody is accepted, blocked while they go on writing, and unblocked."""
    alice, bob = await scene.person("alice"), await scene.person("bob")
    heard = await alice.say(bob)
    await bob.client.handle_of(heard.sender.partition(":")[0])  # type: ignore[arg-type]
    await bob.client.accept(alice.client.account)
    await bob.client.block(alice.client.account)
    assert await bob.client.blocked() == [alice.client.account]
    await (await alice.send(bob, "text to somebody who blocked")).reached("sent", PATIENCE)
    await bob.client.unblock(alice.client.account)
    await alice.say(bob)
