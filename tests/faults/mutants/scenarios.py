"""Situations in which a broken rule shows. The real code passes each of them."""

from __future__ import annotations

import time

from tests.faults.cast import WEEK
from tests.faults.mutants.scene import Scene

TOO_OLD = 120_000
"""Age in ms above which the server takes no id."""

OLDER = 2_000
"""Milliseconds by which one message of a frame is older than another one."""


async def a_send_while_the_receiver_connects(scene: Scene) -> None:
    """b connects and drains while the write of a's message is held."""
    a, b = await scene.devices("a1", "b1")
    await b.stop()
    scene.barriers.hold("send.inbox.put.before", only=b.account)
    await scene.send(a, b)
    await scene.barriers.reached("send.inbox.put.before")
    await scene.back(b)
    scene.barriers.release("send.inbox.put.before")


async def a_connect_while_the_sender_sends(scene: Scene) -> None:
    """a's message is sent and accepted after b's drain read the inbox, before b has its page."""
    a, b = await scene.devices("a1", "b1")
    await b.stop()
    scene.barriers.hold("sync.inbox.page.after", only=b.account)
    await b.start()
    await scene.barriers.reached("sync.inbox.page.after")
    await scene.sent(a, b)
    scene.barriers.release("sync.inbox.page.after")


async def a_post_meets_a_handshake(scene: Scene) -> None:
    """A post to b's socket meets a 410, as its handshake is under way; then a sends again."""
    a, b = await scene.devices("a1", "b1")
    await b.stop()
    scene.barriers.hold("connect.connections.add.after", only=b.account)
    await b.start()
    await scene.barriers.reached("connect.connections.add.after")
    await scene.sent(a, b)
    scene.barriers.release("connect.connections.add.after")
    await b.ask("connected", 5)
    await scene.sent(a, b)


async def a_removal_meets_a_handshake(scene: Scene) -> None:
    """a2 is removed after its connect looked at the list, before its socket is open."""
    a1, a2 = await scene.devices("a1", "a2")
    await a2.stop()
    scene.barriers.hold("connect.cards.devices.after", only=a1.account)
    await a2.start()
    await scene.barriers.reached("connect.cards.devices.after")
    await scene.cast.remove(a1, a2)
    scene.barriers.release("connect.cards.devices.after")
    await scene.within(2, lambda: scene.records("frame", who=a2.address, way="in"))


async def a_copy_connects(scene: Scene) -> None:
    """A second process connects as b1 while the first is online."""
    _, b = await scene.devices("a1", "b1")
    await scene.twin(b)


async def a_device_comes_back_before_its_socket_is_missed(scene: Scene) -> None:
    """b's socket dies without a word and b connects anew: then a sends."""
    a, b = await scene.devices("a1", "b1")
    await b.go_silent()
    await b.kill()
    await scene.back(b)
    await scene.sent(a, b)


async def a_receiver_comes_back_between_two_sends(scene: Scene) -> None:
    """a sends some, b connects anew, a sends some more."""
    a, b = await scene.devices("a1", "b1")
    for _ in range(3):
        await scene.delivered(a, b)
    await scene.again(b)
    for _ in range(3):
        await scene.sent(a, b)


async def a_write_fails(scene: Scene) -> None:
    """The rows of a's message cannot be written at first."""
    a, b = await scene.devices("a1", "b1")
    scene.barriers.once("send.inbox.put.before", "unavailable", only=b.account)
    logical = await scene.send(a, b)
    await scene.barriers.used("send.inbox.put.before", "unavailable")
    await scene.within(3, lambda: scene.status(logical) and scene.is_shown(b, logical))


async def a_write_fails_in_the_middle(scene: Scene) -> None:
    """The sender's own copy is written, the recipient's row is not; the send is refused and repeated."""
    a1, a2, b = await scene.devices("a1", "a2", "b1")
    await a2.stop()
    await b.stop()
    week = time.time_ns() // 1_000_000 // WEEK
    scene.barriers.once("send.storage.start.before", "unavailable", only=f"'{b.account}', {week}, 1,")
    await scene.sent(a1, b)
    await scene.barriers.used("send.storage.start.before", "unavailable")
    await scene.back(a2)
    await scene.back(b)


async def two_devices_each(scene: Scene) -> None:
    """Both accounts have two devices, all online."""
    a1, _, b1, _ = await scene.devices("a1", "a2", "b1", "b2")
    await scene.sent(a1, b1)


async def a_blocked_sender(scene: Scene) -> None:
    """a writes to b, who blocked it."""
    a, b = await scene.devices("a1", "b1")
    await b.ask("relate", "block", a.account)
    await scene.sent(a, b)


async def the_first_of_two_is_stale(scene: Scene) -> None:
    """A frame has two messages; the id of the first is too old by a second, that of the second is not."""
    a, b = await scene.devices("a1", "b1")
    scene.barriers.hold("send.cards.read.before", only=a.account)
    scene.barriers.once("send.cards.read.before", "unavailable", only=a.account)
    first = await scene.send(a, b, "first")
    await scene.barriers.reached("send.cards.read.before")
    began = time.monotonic()
    second = await scene.send(a, b, "second")
    await scene.within(3, lambda: time.monotonic() - began > OLDER / 1000)
    # The first is repeated a second later, and the second goes with it, under an id of that moment.
    scene.barriers.skew("send", TOO_OLD - OLDER)
    scene.barriers.release("send.cards.read.before")
    await scene.within(4, lambda: scene.status(first) and scene.status(second))


async def a_half_open_receiver(scene: Scene) -> None:
    """What is posted to b's socket is swallowed, and b connects anew."""
    a, b = await scene.devices("a1", "b1")
    await b.go_silent()
    await scene.sent(a, b)
    await b.kill()
    await scene.back(b)


async def a_dead_socket_beside_a_live_one(scene: Scene) -> None:
    """b1 is gone and its row is not, so a post to it meets a 410; b2 is online, and a sends again."""
    a, b1, _ = await scene.devices("a1", "b1", "b2")
    point, only = "disconnect.connections.remove.before", f"account='{b1.account}', device=1"
    scene.barriers.once(point, "kill", only=only)
    await b1.kill()
    await scene.barriers.used(point, "kill")
    await scene.sent(a, b1)
    await scene.sent(a, b1)
    await scene.back(b1)


async def a_late_disconnect(scene: Scene) -> None:
    """The disconnect of b's old socket is served after the new one has synced."""
    _, b = await scene.devices("a1", "b1")
    point = "disconnect.connections.remove.before"
    scene.barriers.hold(point, only=b.account)
    await b.stop()
    await scene.barriers.reached(point)
    await scene.back(b)
    scene.barriers.release(point)


async def a_lost_post_before_an_acked_one(scene: Scene) -> None:
    """The post of the first message fails; b gets and acknowledges the second, then drains the first."""
    a, b = await scene.devices("a1", "b1")
    scene.barriers.once("send.sockets.post_all", "fail")
    first = await scene.sent(a, b, "first")
    await scene.barriers.used("send.sockets.post_all", "fail")
    second = await scene.sent(a, b, "second")
    await scene.expect(lambda: scene.is_shown(b, second) and scene.has_acked(b), f"{second} is acknowledged")
    await scene.within(1, lambda: scene.status(first) == "delivered")
    await scene.again(b)


async def one_of_two_devices_is_away(scene: Scene) -> None:
    """b1 acknowledges a message while b2 is away."""
    a, b1, b2 = await scene.devices("a1", "b1", "b2")
    await b2.stop()
    await scene.delivered(a, b1)
    await scene.back(b2)


async def an_ack_crashes_before_its_receipts(scene: Scene) -> None:
    """b drains a message and acknowledges it; the ack's worker dies where it is about to send receipts."""
    a, b = await scene.devices("a1", "b1")
    await scene.accept(b, a)
    await b.stop()
    await scene.sent(a, b)
    scene.barriers.once("ack.sockets.post_all.before", "kill")
    await b.start()
    await scene.barriers.used("ack.sockets.post_all.before", "kill")
    await scene.again(b)


async def the_sender_is_away_when_it_is_acked(scene: Scene) -> None:
    """a has no socket when b acknowledges."""
    a, b = await scene.devices("a1", "b1")
    await scene.accept(b, a)
    await b.stop()
    await scene.sent(a, b)
    await a.stop()
    await scene.back(b)
    await scene.emptied(b)
    await scene.back(a)


async def a_block_before_the_ack(scene: Scene) -> None:
    """b, who had accepted a, blocks it before its acknowledgement leaves."""
    a, b = await scene.devices("a1", "b1")
    await scene.accept(b, a)
    await b.ask("acks", "lose")
    logical = await scene.sent(a, b)
    await scene.expect(lambda: scene.is_shown(b, logical), f"{logical} is shown")
    await b.ask("relate", "block", a.account)
    await scene.again(b)


async def a_stranger_writes(scene: Scene) -> None:
    """b never wrote to a; a asks at once what became of its message."""
    a, b = await scene.devices("a1", "b1")
    await scene.delivered(a, b)
    await scene.again(a, receipt_after_ms=0)


async def an_answer_is_acked(scene: Scene) -> None:
    """b answers, which a acknowledges."""
    a, b = await scene.devices("a1", "b1")
    await scene.delivered(a, b)
    await scene.delivered(b, a)


async def the_receiver_is_away(scene: Scene) -> None:
    """a asks at once what became of its message, which waits for b."""
    a, b = await scene.devices("a1", "b1")
    await scene.accept(b, a)
    await b.stop()
    await scene.sent(a, b)
    await scene.again(a, receipt_after_ms=0)
    await scene.back(b)


async def a_message_into_a_block(scene: Scene) -> None:
    """b blocks a, which writes, and unblocks it; a asks at once what became of its message."""
    a, b = await scene.devices("a1", "b1")
    await scene.accept(b, a)
    await b.ask("relate", "block", a.account)
    await scene.sent(a, b)
    await b.ask("relate", "unblock", a.account)
    await scene.again(a, receipt_after_ms=0)


async def a_slow_write_and_an_empty_drain(scene: Scene) -> None:
    """b drains nothing while the write of a's message is held, and its post fails afterwards."""
    a, b = await scene.devices("a1", "b1")
    scene.barriers.hold("send.inbox.put.before", only=b.account)
    logical = await scene.send(a, b)
    await scene.barriers.reached("send.inbox.put.before")
    await scene.again(b)
    scene.barriers.once("send.sockets.post_all", "fail")
    scene.barriers.release("send.inbox.put.before")
    await scene.expect(lambda: scene.status(logical), f"{logical} is accepted")
    await scene.again(b)


async def more_than_a_page(scene: Scene) -> None:
    """What waits for b fills some pages."""
    a, b = await scene.devices("a1", "b1")
    await b.stop()
    for number in range(8):
        await scene.send(a, b, f"{number} " + "x" * 6_000)
    await scene.sent(a, b, "the end")
    await scene.back(b)


async def a_receiver_is_killed_once_it_acked(scene: Scene) -> None:
    """b is killed as soon as its acknowledgement was served."""
    a, b = await scene.devices("a1", "b1")
    await scene.sent(a, b)
    await scene.expect(lambda: scene.has_acked(b), "b acknowledges")
    await scene.emptied(b)
    await b.kill()
    await scene.back(b)


async def a_retry_under_a_new_id(scene: Scene) -> None:
    """The rows of a's message are written, a is told they are not, and its retry needs a new id."""
    a, b = await scene.devices("a1", "b1")
    await b.stop()
    point = "send.inbox.put.after"
    scene.barriers.hold(point, only=b.account)
    scene.barriers.once(point, "unavailable", only=b.account)
    logical = await scene.send(a, b)
    await scene.barriers.reached(point)
    scene.barriers.skew("send", TOO_OLD + 5_000)
    scene.barriers.release(point)
    await scene.expect(lambda: scene.status(logical), f"{logical} is accepted")
    await scene.back(b)


async def an_answer_from_a_slower_clock(scene: Scene) -> None:
    """a's clock is ahead, as it learned from a server that was; b answers what it was shown."""
    a, b = await scene.devices("a1", "b1")
    scene.barriers.skew("send", 3_000)
    await scene.delivered(a, b)
    await scene.delivered(a, b)
    await scene.sent(b, a)


async def read_here_and_delivered_there(scene: Scene) -> None:
    """b1 shows a message; only later b2 gets it, too."""
    a, b1, b2 = await scene.devices("a1", "b1", "b2")
    await scene.accept(b1, a)
    await scene.accept(b2, a)
    await b2.stop()
    logical = await scene.delivered(a, b1)
    await b1.ask("read", 1)
    await scene.expect(lambda: scene.status(logical) == "read", f"{logical} is read")
    await scene.back(b2)


async def a_sender_is_killed_before_its_answer(scene: Scene) -> None:
    """a dies while its send is under way."""
    a, b = await scene.devices("a1", "b1")
    scene.barriers.hold("send.cards.read.before", only=a.account)
    await scene.send(a, b)
    await scene.barriers.reached("send.cards.read.before")
    await a.kill()
    scene.barriers.release("send.cards.read.before")
    await scene.back(a)


async def an_ack_is_refused(scene: Scene) -> None:
    """The server cannot serve b's acknowledgement, and says so."""
    a, b = await scene.devices("a1", "b1")
    await scene.accept(b, a)
    scene.barriers.once("ack.cards.read.before", "unavailable", only=b.account)
    await scene.sent(a, b)
    await scene.barriers.used("ack.cards.read.before", "unavailable")


async def a_receiver_is_killed_amid_a_session(scene: Scene) -> None:
    """b is killed after the first message of a session; the next one is of that session."""
    a, b = await scene.devices("a1", "b1")
    await scene.delivered(a, b)
    await b.kill()
    await scene.back(b)
    await scene.sent(a, b)


async def a_store_is_set_back(scene: Scene) -> None:
    """a connects and sends after its store was copied; then it comes back with the copy, and sends again."""
    a, b = await scene.devices("a1", "b1")
    await scene.delivered(a, b)
    await scene.delivered(b, a)
    snapshot = await a.snapshot()
    await scene.again(a)
    await scene.delivered(a, b)
    await a.kill()
    await a.restore(snapshot)
    await scene.back(a)
    await scene.delivered(a, b)


async def two_senders_begin_with_one(scene: Scene) -> None:
    """a and c begin sessions with b."""
    a, b, c = await scene.devices("a1", "b1", "c1")
    await scene.delivered(a, b)
    await scene.sent(c, b)


async def keys_of_a_removed_device(scene: Scene) -> None:
    """A stranger asks for keys of b2, which b1 removed."""
    a, b1, b2 = await scene.devices("a1", "b1", "b2")
    await scene.delivered(a, b1)
    await scene.cast.remove(b1, b2)
    await scene.claim(b1.account, 1, 2)
