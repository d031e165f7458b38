"""What goes wrong: restarts, crashes, a store set back, a message that cannot be read."""

from __future__ import annotations

import os
import re
import shutil
import signal

import psutil
from heliograph.events import StoreRolledBack

from local.cloud import LocalCloud
from tests.canary.flow import flow
from tests.canary.scene import PATIENCE, Scene
from tests.waiting import until

_CIPHERTEXT = re.compile(r'"ciphertext": ?"([A-Za-z0-9_-]+)[A-Za-z0-9_-]{4}"')
"""All of it but its last characters, of which not every one may stand there."""


@flow(routes=("send", "sync"), verbs=("send_text",), kinds=("text",))
async def a_client_that_restarts(scene: Scene) -> None:
    """A client ends with messages in its outbox, and with some that were sent; later runs go on."""
    alice, bob = await scene.acquainted()
    queued = [await alice.send(bob, "text queued before a restart") for _ in range(5)]
    await alice.close()
    await alice.open()
    for message in queued:
        await bob.hears(message)
    await bob.close()
    await bob.open()
    await bob.say(alice, "text after a restart")


@flow(routes=("$connect", "sync", "send"), kinds=("text",))
async def a_store_that_was_set_back(scene: Scene) -> None:
    """A device goes on from an old copy of its store, notices it, and talks on."""
    alice, bob = await scene.acquainted()
    await alice.close()
    copy = alice.store.parent.with_suffix(".copy")
    shutil.copytree(alice.store.parent, copy)
    await alice.open()
    await alice.say(bob, "text that the copy does not know")
    await bob.say(alice, "text that the copy does not know")
    await alice.close()
    shutil.rmtree(alice.store.parent)
    copy.rename(alice.store.parent)
    await alice.open()
    await alice.sees(StoreRolledBack)
    await alice.say(bob, "text from a store that was set back")
    await bob.say(alice, "text to a store that was set back")


@flow(routes=("send", "sync", "POST /v1/keys/claim"), kinds=("text", "repair"))
async def a_message_that_cannot_be_read(scene: Scene) -> None:
    """A ciphertext is changed on its way: it is asked for in a new session, and sent again."""
    alice, bob = await scene.acquainted()
    changed: list[str] = []

    def change(frame: str) -> str:
        found = _CIPHERTEXT.search(frame)
        if found is None or changed:
            return frame
        changed.append(frame)
        return frame[: found.start(1)] + found[1][::-1] + frame[found.end(1) :]

    bob.wire.meddle_in = change
    unread = await alice.send(bob, "text that cannot be read at first")
    await until(lambda: changed, PATIENCE)
    await bob.hears(unread)
    await alice.say(bob, "text behind one that cannot be read")
    await bob.say(alice, "answer to somebody who could not be read")


@flow(routes=("send", "sync"), kinds=("text",))
async def functions_that_crash(scene: Scene) -> None:
    """The function that takes and posts a message ends in the middle, or fails; retries repair it."""
    alice, bob = await scene.acquainted()
    for point, how in (
        ("send.inbox.put.after", "kill"),
        ("send.inbox.put.before", "unavailable"),
        ("send.sockets.post_all.before", "kill"),
    ):
        scene.world.barriers.once(point, how, alice.client.account)
        await alice.say(bob, "text through a crash")
        await scene.world.barriers.used(point, how)


@flow(routes=("send", "sync", "$connect"), kinds=("text",), alone=True)
async def kill_9_of_everything(scene: Scene) -> None:
    """The whole cloud ends by SIGKILL with messages stored and under way, and comes back."""
    cloud = scene.world.cloud
    alice, bob = await scene.acquainted()
    await bob.close()
    waiting = [await alice.send(bob, "text stored before a kill") for _ in range(3)]
    await waiting[-1].reached("sent", PATIENCE)
    under_way = [await alice.send(bob, "text under way at a kill") for _ in range(3)]
    await _kill(cloud)
    cloud.start()
    await bob.open()
    for message in (*waiting, *under_way):
        await bob.hears(message)
    await bob.say(alice, "text after a kill")


async def _kill(cloud: LocalCloud) -> None:
    """SIGKILL the supervisor; its children end with it."""
    processes = cloud.processes
    os.kill(processes["supervisor"], signal.SIGKILL)
    if cloud._child is not None:
        cloud._child.wait()
        cloud._child = None
    await until(lambda: not any(map(_runs, (processes["aws"], processes["cassandra"]))))


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
