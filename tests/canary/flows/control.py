"""A control of the whole: without encryption, everything else as it is, the machine finds what was sent."""

from __future__ import annotations

from tests.canary.flow import flow
from tests.canary.needles import Store
from tests.canary.scene import PATIENCE, Scene
from tests.unit.client.plain_encryption import PlainEncryption

KEPT = (Store.ROWS, Store.DATA_FILES, Store.COMMIT_LOG)


@flow(routes=("send",), verbs=("send_text",))
async def texts_in_clear(scene: Scene) -> None:
    """Two devices talk without encryption: what was acknowledged is in the commit log, what waits is in the
    table, too.
    """
    alice = await scene.person("alice", encryption=PlainEncryption())
    bob = await scene.person("bob", encryption=PlainEncryption())
    talk = await alice.client.conversation(bob.handle)
    read = await talk.send(scene.world.controls.text("acknowledged text in clear", (Store.COMMIT_LOG,)))
    await bob.hears(read)
    await bob.close()
    waits = await talk.send(scene.world.controls.text("waiting text in clear", KEPT))
    await waits.reached("sent", PATIENCE)
