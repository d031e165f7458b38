"""Several devices of one account."""

from __future__ import annotations

import asyncio

from heliograph.store.seal import Passphrase
from heliograph.store.sessions import UNANSWERED

from tests.canary.flow import flow
from tests.canary.needles import Store
from tests.canary.scene import PATIENCE, Phone, Scene
from tests.waiting import until

KEY_MAY_LIE = frozenset(set(Store) - {Store.LOGS, Store.TEMPORARY, Store.DUMPS, Store.OTHER})
"""A link code is a public key behind ``hl1.``: tables hold the key, logs of the server must not. (The HTTP
library of a client logs the addresses that it asks, where an application wants to see that.)"""


async def show_code(scene: Scene, phone: Phone) -> str:
    """The code of a new device, remembered."""
    code = await phone.client.start_linking()
    scene.keep(f"link code of {phone.name}", code)
    scene.keep(f"key in the link code of {phone.name}", code.partition(".")[2], KEY_MAY_LIE)
    return code


@flow(
    routes=(
        "GET /v1/links/{key}",
        "GET /v1/devices",
        "POST /v1/devices",
        "DELETE /v1/devices/{device}",
        "GET /v1/account",
    ),
    verbs=(
        "start_linking",
        "link_offer",
        "accept_link",
        "refuse_link",
        "linked",
        "link",
        "devices",
        "remove_device",
    ),
    kinds=("text", "secrets", "hello"),
)
async def own_devices(scene: Scene) -> None:
    """A device is linked, shares the conversation and is removed; another one refuses to be linked."""
    alice, bob = await scene.person("alice"), await scene.person("bob")
    second, third = await scene.phone("second"), await scene.phone("third")
    await alice.say(bob, "text before linking")
    await asyncio.gather(second.client.linked(PATIENCE), alice.client.link(await show_code(scene, second)))
    await second.client.connected(PATIENCE)
    await second.shares_secrets()
    for _ in range(UNANSWERED + 1):  # then the device that only read says hello
        await second.hears(await bob.say(alice, "text to a device that only reads"))

    await second.hears(await alice.say(bob, "text with an own copy"))
    await alice.hears(await second.say(bob, "text of the second device"))
    to_both = await bob.say(alice, "text to two devices")
    await second.hears(to_both)

    await alice.client.link(await show_code(scene, third))
    offer = await third.client.link_offer(PATIENCE)
    await third.client.refuse_link()
    devices = await alice.client.devices()
    assert {each.device for each in devices} == {1, second.client.device, offer.device}
    for device in (second.client.device, offer.device):
        await alice.client.remove_device(device)
    await until(lambda: second.client.state.state == "closed", PATIENCE)
    await alice.say(bob, "text after a removal")
    await bob.say(alice, "text after a removal")


@flow(routes=("send",), verbs=("register", "change_seal", "send_text"), kinds=("text",))
async def sealed_stores(scene: Scene) -> None:
    """A store under a passphrase, which changes: neither it nor the key of the store goes anywhere."""
    first = Passphrase(scene.canary("passphrase of alice"))
    second = Passphrase(scene.canary("next passphrase of alice"))
    alice, bob = await scene.acquainted(seal=first)
    await alice.client.change_seal(second)
    await alice.close()
    await alice.open(seal=second)
    await alice.say(bob, "text from a store sealed anew")
