"""Messages as people send them."""

from __future__ import annotations

import json

from heliograph.content import Mention
from heliograph.events import MessageDeleted, MessageEdited, ReactionChanged, TimerChanged

from tests.canary.flow import flow
from tests.canary.scene import PATIENCE, Scene
from tests.waiting import until

SOCKET = ("authorize", "$connect", "$disconnect", "send", "ack", "sync")


@flow(
    routes=(
        *SOCKET,
        "GET /.well-known/heliograph",
        "POST /v1/register",
        "GET /v1/handles/{handle}",
        "GET /v1/keys",
        "PUT /v1/keys",
        "POST /v1/keys/claim",
    ),
    verbs=("register", "discover", "conversation", "send_text", "mark_read"),
    kinds=("text",),
)
async def texts_both_ways(scene: Scene) -> None:
    """Two people write to each other, both online, and read what they got."""
    alice, bob = await scene.person("alice"), await scene.person("bob")
    await alice.client.discover()
    for _ in range(3):
        shown = await bob.hears(await alice.send(bob))
        await shown.mark_read()
        await bob.say(alice)
    last = await alice.say(bob)
    await (await bob.hears(last)).mark_read()
    await last.reached("read", PATIENCE)


@flow(
    routes=("send", "ack"),
    verbs=("send_text", "edit", "react", "delete", "set_timer", "mark_read", "mark_all_read"),
    kinds=("text", "reply", "edit", "reaction", "delete", "timer"),
)
async def texts_that_change(scene: Scene) -> None:
    """A message is answered, edited, reacted to and deleted, and a timer is set; all of it is read."""
    alice, bob = await scene.acquainted()
    naming = scene.canary("text that names somebody")
    talk = await alice.client.conversation(bob.handle)
    await bob.hears(await talk.send(naming, mentions=[Mention(2, 5, bob.client.account)]))
    message = await alice.send(bob, "text that is edited")
    shown = await bob.hears(message)
    await alice.hears(await shown.reply(scene.canary("reply from bob to alice")))
    await message.edit(scene.canary("edit from alice to bob"))
    await bob.sees(MessageEdited)
    await shown.react("\N{FOUR LEAF CLOVER}")
    await alice.sees(ReactionChanged)
    await message.mark_read()
    await message.delete_for_everyone()
    await bob.sees(MessageDeleted)
    await talk.set_timer("1h")
    await bob.sees(TimerChanged)
    await bob.hears(await alice.send(bob, "text that disappears"))
    await (await bob.client.conversation(alice.handle)).mark_read()


@flow(routes=("send", "sync"), verbs=("send_text",), kinds=("text",))
async def texts_for_somebody_away(scene: Scene) -> None:
    """Messages wait in an inbox and are drained; one waits there for ever."""
    alice, bob = await scene.acquainted()
    await bob.close()
    sent = [await alice.send(bob, "text that waited") for _ in range(5)]
    await sent[-1].reached("sent", PATIENCE)
    await bob.open()
    for message in sent:
        await bob.hears(message)
    await sent[-1].reached("delivered", PATIENCE)
    await bob.close()
    await (await alice.send(bob, "text that nobody fetches")).reached("sent", PATIENCE)


@flow(routes=("send",), verbs=("send_text", "retry"), kinds=("text",))
async def texts_sent_again(scene: Scene) -> None:
    """The answer to a message is lost, so the SDK repeats it; another is refused, and its sender retries."""
    alice, bob = await scene.acquainted()
    lost: list[str] = []

    def lose(frame: str) -> str | None:
        if "results" not in json.loads(frame) or lost:
            return frame
        lost.append(frame)
        return None

    alice.wire.meddle_in = lose
    await (await alice.say(bob, "text sent twice")).reached("delivered", PATIENCE)
    assert lost

    alice.wire.meddle_in = _refuse
    refused = await alice.send(bob, "text refused once")
    await until(lambda: any(getattr(event, "error", None) for event in alice.events), PATIENCE)
    alice.wire.meddle_in = lambda frame: frame
    await refused.retry()
    await bob.hears(refused)
    await refused.reached("delivered", PATIENCE)


def _refuse(frame: str) -> str:
    """The answer to a send, as if its messages were refused for good."""
    answer = json.loads(frame)
    for result in answer.get("results", ()):
        result["error"] = {"code": "BAD_RECIPIENT", "message": "refused by the test"}
    return json.dumps(answer)


@flow(routes=("$default", "send", "ack"), kinds=("text",))
async def frames_that_are_refused(scene: Scene) -> None:
    """Beside each good frame go broken ones with the same ciphertexts: every one is refused."""
    alice, bob = await scene.acquainted()
    codes: list[str] = []

    def note(frame: str) -> str:
        codes.append(str(json.loads(frame).get("error", {}).get("code")))
        return frame

    alice.wire.meddle_out, alice.wire.meddle_in = _broken_too, note
    for _ in range(3):
        await alice.say(bob, "text beside broken frames")
        await bob.say(alice)
    await until(lambda: {"BAD_FRAME", "UNKNOWN_ACTION"} <= set(codes), PATIENCE)


def _broken_too(frame: str) -> list[str]:
    """The frame under another action, with a member too many, cut off, and as it is."""
    parsed = json.loads(frame)
    if parsed["action"] != "send":
        return [frame]
    strange = {**parsed, "ref": "strange"}
    return [
        json.dumps({**strange, "action": "forward"}),
        json.dumps({**strange, "note": parsed["messages"]}),
        frame[: len(frame) // 2],
        frame,
    ]
