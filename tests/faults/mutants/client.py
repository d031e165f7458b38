"""Broken clients: what a device process runs when it was started as one."""

from __future__ import annotations

from tests.faults.mutants.breaking import Edit, Mutant

_MESSAGE = "heliograph.store.incoming:_message"
_PREPARE = "heliograph.store.outgoing:prepare"
_ENCRYPT = "heliograph.signal_encryption:SignalEncryption.encrypt"
_SEND_TO = "heliograph.outbox:Outbox._send_to"

CLIENT: tuple[Mutant, ...] = (
    Mutant(
        "ack-before-store",
        "persist, then ack",
        "I1",
        "a_receiver_is_killed_once_it_acked",
        (
            Edit(
                "heliograph.inbox:Inbox._store",
                "    batch = list(events)\n",
                "    batch = list(events)\n"
                "    early = [incoming.Ack(e['id'], e['sender'], 'delivered', '')\n"
                "             for e in batch if e['type'] == 'message']\n"
                "    self._acks.add(early)\n"
                "    await asyncio.sleep(1.5 if early else 0)\n",
            ),
        ),
    ),
    Mutant(
        "names-not-deduped",
        "dedupe by (id, sender)",
        "I3",
        "an_ack_crashes_before_its_receipts",
        (
            Edit(
                _MESSAGE,
                "    if name is not None:\n",
                "    if name is not None:\n        event_log.append(connection, 'received', name[0])\n",
            ),
        ),
    ),
    Mutant(
        "logical-ids-not-deduped",
        "the application shows (sender, logical id) once, whatever ids it went under",
        "I3",
        "a_retry_under_a_new_id",
        (
            Edit(
                _MESSAGE,
                "    if earlier is not None:\n",
                "    if earlier is not None:\n"
                "        event_log.append(connection, 'received', earlier.seq)\n",
            ),
        ),
    ),
    Mutant(
        "the-first-id-stays",
        "a message is ordered by the largest id it went under",
        "I7",
        "a_retry_under_a_new_id",
        (Edit(_MESSAGE, "        messages.came_under(connection, earlier.seq, message_id, sender)\n", ""),),
    ),
    Mutant(
        "order-of-arrival",
        "messages sort by (id, sender); nothing depends on arrival order",
        "I7",
        "a_lost_post_before_an_acked_one",
        (
            Edit(
                "heliograph.store.messages:add",
                "    position = message_id or ",
                "    import time\n    position = message_id and f'0{time.time_ns()}' or ",
            ),
        ),
    ),
    Mutant(
        "two-frames-at-once",
        "a device has one unaccepted send per conversation",
        "I5",
        "the_first_of_two_is_stale",
        (
            Edit(
                _SEND_TO,
                '        answer = await socket.request("send", rest + batch.member)\n',
                "        answers = await asyncio.gather(*(\n"
                "            socket.request('send', f',\"messages\":[{attempt.body}]')\n"
                "            for attempt in prepared.attempts))\n"
                "        answer = {'results': [each for one in answers for each in one['results']]}\n",
            ),
        ),
    ),
    Mutant(
        "earlier-refused-ignored",
        "what is refused because of an earlier message was not accepted",
        "I9",
        "the_first_of_two_is_stale",
        (
            Edit(
                "heliograph.outbox:Outbox._settle",
                '        if error.code == "EARLIER_REFUSED":\n',
                '        if error.code == "EARLIER_REFUSED":\n            taken[attempt.seq] = attempt.id\n',
            ),
        ),
    ),
    Mutant(
        "the-clock-forgets-what-it-saw",
        "ids rise above the newest id seen in their conversation",
        "I6",
        "an_answer_from_a_slower_clock",
        (Edit(_PREPARE, "peers.newest_seen(connection, peer.account)", "0"),),
    ),
    Mutant(
        "sent-when-it-leaves",
        "a status is truthful: sent means accepted",
        "I9",
        "a_write_fails",
        (
            Edit(
                _SEND_TO,
                "    batch = self._acks.take()\n",
                "    batch = self._acks.take()\n"
                "    await self._database.run(lambda connection: [\n"
                "        status.raise_status(connection, a.seq, 'sent') for a in prepared.attempts])\n"
                "    self._on_changed([a.seq for a in prepared.attempts])\n",
            ),
        ),
    ),
    Mutant(
        "status-goes-down",
        "status only moves sent < delivered < read",
        "I9",
        "read_here_and_delivered_there",
        (Edit("heliograph.store.status:raise_status", "RANKS[row[0]] >= RANKS[status]", "row[0] == status"),),
    ),
    Mutant(
        "the-outbox-forgets",
        "a crash anywhere changes nothing: what is in the outbox is sent",
        "I4",
        "a_sender_is_killed_before_its_answer",
        (
            Edit(
                "heliograph.engine:Engine.start",
                "in waiting:\n",
                "in waiting[:0]:\n",
            ),
        ),
    ),
    Mutant(
        "acks-forgotten",
        "an ack whose frame was refused is sent again",
        "I8",
        "an_ack_is_refused",
        (Edit("heliograph.acks:AckQueue.put_back", "if not batch.acks:", "if True:"),),
    ),
    Mutant(
        "the-mark-trusts-any-drain",
        "the mark is that of a complete, fully acked drain",
        "I8",
        "an_ack_crashes_before_its_receipts",
        (
            Edit("heliograph.drain:Drain._caught_up", "if move_mark:", "if True:"),
            Edit("heliograph.drain:Drain._caught_up", 'int(caught_up["mark"])', 'int(caught_up["time"])'),
        ),
    ),
    Mutant(
        "the-cursor-runs-ahead",
        "the cursor moves when the application is through with an event",
        "I1",
        "a_receiver_is_killed_once_it_acked",
        (
            Edit(
                "heliograph.stream:EventStream._read",
                "    self._after = entries[-1].cursor\n",
                "    self._after = entries[-1].cursor\n"
                "    if any(entry.kind == 'received' for entry in entries):\n"
                "        await self._database.run(\n"
                "            lambda connection: event_log.move_cursor(connection, self._after))\n"
                "        await asyncio.sleep(1.5)\n",
            ),
        ),
    ),
    Mutant(
        "sessions-kept-after-the-ack",
        "what opens a message is stored with it, before the ack",
        "I15",
        "a_receiver_is_killed_amid_a_session",
        (
            Edit(
                "heliograph.signal_encryption:SignalEncryption._first",
                "    sessions.save(connection, sender, named.sender_key, session, promote=True)\n",
                "    globals().setdefault('_late', []).append((sender, named.sender_key, session))\n",
            ),
            Edit(
                "heliograph.signal_encryption:SignalEncryption.decrypt",
                "    if found.message is None:\n",
                "    for late in globals().pop('_late', []):\n"
                "        sessions.save(connection, *late, promote=True)\n"
                "    if found.message is None:\n",
            ),
        ),
    ),
    Mutant(
        "skipped-keys-not-kept",
        "keys of messages that did not come yet are kept",
        "I15",
        "a_lost_post_before_an_acked_one",
        (
            Edit(
                "heliograph.crypto.ratchet:Session.state",
                '"ratchet": self._ratchet.json,',
                '"ratchet": {**self._ratchet.json, "skipped_message_keys": []},',
            ),
        ),
    ),
    Mutant(
        "a-session-stands-still",
        "a session moves on with every message, in the transaction that seals it",
        "I13",
        "more_than_a_page",
        (
            Edit(
                _ENCRYPT,
                "            sessions.save(connection, device, key, session, promote=False)\n",
                "",
            ),
        ),
    ),
    Mutant(
        "nothing-is-sealed",
        "no text leaves a device",
        "I14",
        "two_devices_each",
        (Edit(_ENCRYPT, "    return sealed\n", "    return dict.fromkeys(sealed, plaintext)\n"),),
    ),
    Mutant(
        "a-rollback-is-not-noticed",
        "a connect number that the store never tried: it was set back, and sessions begin anew",
        "I16",
        "a_store_is_set_back",
        (
            Edit(
                "heliograph.drain:Drain._check_previous",
                "if profile.confirm_previous_connect(connection, previous):",
                "if profile.confirm_previous_connect(connection, previous) or True:",
            ),
        ),
    ),
)
