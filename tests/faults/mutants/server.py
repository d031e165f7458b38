"""Broken servers: what runs in the functions of a test deployment while the file ``swap`` names it."""

from __future__ import annotations

from tests.faults.mutants.breaking import Edit, Mutant

_SEND = "chat.usecases.send:send"
_ADMIT = "chat.usecases.send:_admit"
_SYNC = "chat.usecases.sync:sync"
_ASSERT = "chat.usecases.sync:_assert_connection"
_SETTLE = "chat.usecases.receipts:settle"
_TAKE = "chat.usecases.keys:_take"
_POST = "chat.usecases.live:post"

SERVER: tuple[Mutant, ...] = (
    Mutant(
        "send-reads-first",
        "a sender writes the inbox, then reads connections",
        "I1",
        "a_send_while_the_receiver_connects",
        (
            Edit(
                _SEND,
                "    results: list[Result] = []\n",
                "    results: list[Result] = []\n"
                "    early = {peer: connections.of_account(peer) for peer in {*peers, sender.account}}\n",
            ),
            Edit(
                _SEND,
                "        connections=connections,\n",
                "        connections=type(\n"
                "            'Early', (), {'of_accounts': lambda _: early, 'remove': connections.remove}),\n",
            ),
        ),
    ),
    Mutant(
        "sync-drains-first",
        "a receiver writes its connection, then drains",
        "I1",
        "a_connect_while_the_sender_sends",
        (
            Edit("chat.usecases.connect:connect", "    connections.add(connection)\n", ""),
            Edit(_ASSERT, "    connections.add(connection)\n", "    pass\n"),
            Edit(
                _SYNC,
                "    if last is not None:\n",
                "    if token is None:\n        connections.add(connection)\n    if last is not None:\n",
            ),
        ),
    ),
    Mutant(
        "sync-leaves-its-row-alone",
        "sync writes a row that is missing, so a 410 met during a handshake harms nothing",
        "I12",
        "a_post_meets_a_handshake",
        (Edit(_ASSERT, "    connections.add(connection)\n", "    pass\n"),),
    ),
    Mutant(
        "sync-trusts-its-device",
        "sync reads its own device again: gone, it closes itself",
        "I12",
        "a_removal_meets_a_handshake",
        (Edit(_SYNC, "own is None or own.find(device.device) is None", "own is None"),),
    ),
    Mutant(
        "rivals-stay",
        "sync settles rival sockets: lower connect numbers are closed",
        "I12",
        "a_copy_connects",
        (Edit(_SYNC, "not _settle_rivals(connection, found, connections, sockets, encode)", "False"),),
    ),
    Mutant(
        "the-older-rival-wins",
        "rival sockets are ordered by the connect number: a higher one closes me",
        "I1",
        "a_device_comes_back_before_its_socket_is_missed",
        (Edit("chat.usecases.sync:_settle_rivals", "other.connect_number > ", "other.connect_number < "),),
    ),
    Mutant(
        "cached-connections",
        "reads of connections are never cached",
        "I1",
        "a_receiver_comes_back_between_two_sends",
        (
            Edit(
                _POST,
                "in found[account]:",
                "in globals().setdefault('_kept', {}).setdefault(account, found[account]):",
            ),
        ),
    ),
    Mutant(
        "accepted-before-written",
        "accepted only after every row is written",
        "I1",
        "a_write_fails",
        (Edit(_SEND, "Result(message.id, unavailable())", "Result(message.id)"),),
    ),
    Mutant(
        "a-retry-skips-known-ids",
        "an unaccepted send may have reached some devices; the retry repeats all rows",
        "I4",
        "a_write_fails_in_the_middle",
        (
            Edit(
                "chat.usecases.send:_store",
                "        inbox.put(rows)\n",
                "        from chat.domain.ids import week_of\n"
                "        week = week_of(milliseconds_of(rows[0].name.id))\n"
                "        if not any(inbox.present(row.device, week, [row.name.id]) for row in rows):\n"
                "            inbox.put(rows)\n",
            ),
        ),
    ),
    Mutant(
        "no-own-copies",
        "an accepted message reaches every device on the list, the sender's own included",
        "I1",
        "two_devices_each",
        (Edit("chat.usecases.send:_rows", "in message.own.items()", "in ()"),),
    ),
    Mutant(
        "accounts-mixed-up",
        "nobody else gets it",
        "I2",
        "two_devices_each",
        (
            Edit("chat.usecases.send:_rows", "message.own.items()", "dict(message.devices).items()"),
            Edit("chat.usecases.send:_rows", "message.devices.items()", "message.own.items()"),
        ),
    ),
    Mutant(
        "block-ignored",
        "every handler checks the object: a block",
        "I2",
        "a_blocked_sender",
        (Edit(_ADMIT, "blocked = read[message.to].relation(sender.account).blocked", "blocked = False"),),
    ),
    Mutant(
        "earlier-refused-not-applied",
        "the first refused message of a frame refuses the later ones of its conversation",
        "I5",
        "the_first_of_two_is_stale",
        (
            Edit(_SEND, "message.to in refused", "False"),
            Edit(_ADMIT, "message.to in refused", "False"),
        ),
    ),
    Mutant(
        "a-post-is-delivery",
        "a 200 from @connections is not delivery: only the device's ack removes a row",
        "I1",
        "a_half_open_receiver",
        (
            Edit(
                _SEND,
                "    if ack_error is None and ack is not None:\n",
                "    for posting in postings:\n"
                "        device = Address(posting.account, posting.device)\n"
                "        if device in reached:\n"
                "            inbox.remove(device, [posting.event.name])\n"
                "    if ack_error is None and ack is not None:\n",
            ),
        ),
    ),
    Mutant(
        "gone-takes-all",
        "a 410 deletes that connection row by full key",
        "I12",
        "a_dead_socket_beside_a_live_one",
        (
            Edit(
                _POST,
                "        connections.remove(connection)\n",
                "        for each in connections.of_account(connection.account):\n"
                "            connections.remove(each)\n",
            ),
        ),
    ),
    Mutant(
        "disconnect-takes-all",
        "a connection row is deleted by its full key, so a late disconnect harms no newer socket",
        "I12",
        "a_late_disconnect",
        (
            Edit(
                "chat.usecases.disconnect:disconnect",
                "    connections.remove(connection)\n",
                "    connections.remove(connection)\n"
                "    for each in connections.of_account(connection.account):\n"
                "        connections.remove(each)\n",
            ),
        ),
    ),
    Mutant(
        "ack-by-range",
        "an ack removes rows by full key, never by range",
        "I1",
        "a_lost_post_before_an_acked_one",
        (
            Edit(
                _SETTLE,
                "        inbox.remove(by, removed)\n",
                "        from chat.domain.ids import milliseconds_of, week_of\n"
                "        for week in {week_of(milliseconds_of(name.id)) for name in removed}:\n"
                "            rows = inbox.page(by, week, MessageId('0'), 1000)\n"
                "            inbox.remove(by, [row.name for row in rows if row.name <= max(removed)])\n",
            ),
        ),
    ),
    Mutant(
        "ack-for-all-devices",
        "only the device's own ack removes its row",
        "I1",
        "one_of_two_devices_is_away",
        (
            Edit(
                _SETTLE,
                "        inbox.remove(by, removed)\n",
                "        for device in range(1, 4):\n"
                "            inbox.remove(Address(by.account, type(by.device)(device)), removed)\n",
            ),
        ),
    ),
    Mutant(
        "receipts-after-deletes",
        "the ack handler sends receipts before it deletes rows",
        "I9",
        "an_ack_crashes_before_its_receipts",
        (
            Edit(
                "chat.usecases.ack:acknowledge",
                "    reached = live.post(\n",
                "    inbox.remove(device, what.removes())\n    reached = live.post(\n",
            ),
        ),
    ),
    Mutant(
        "receipts-not-kept",
        "a receipt for a sending device without connection is a row",
        "I9",
        "the_sender_is_away_when_it_is_acked",
        (Edit(_SETTLE, "    if waiting:\n", "    if False:\n"),),
    ),
    Mutant(
        "receipts-despite-a-block",
        "the server checks relation and block before it sends a receipt",
        "I9",
        "a_block_before_the_ack",
        (
            Edit(
                "chat.domain.relations:gives_receipts",
                "(mine.accepted or also_accepted) and not mine.blocked",
                "mine.accepted or also_accepted",
            ),
        ),
    ),
    Mutant(
        "receipts-to-strangers",
        "receipts go to accepted accounts only; client and server, of which one is enough",
        "I9",
        "a_stranger_writes",
        (
            Edit("chat.domain.relations:gives_receipts", "(mine.accepted or also_accepted)", "True"),
            Edit(
                "heliograph.store.incoming:_message",
                "own_copy or not peers.is_accepted(connection, account)",
                "own_copy",
            ),
        ),
    ),
    Mutant(
        "a-send-accepts-nobody",
        "who wrote to an account has accepted it, and owes it receipts",
        "I9",
        "an_answer_is_acked",
        (
            Edit(
                _ADMIT, "                cards.accept(sender.account, message.to)\n", "                pass\n"
            ),
        ),
    ),
    Mutant(
        "unreceipted-guesses",
        "unreceipted is answered from the presence of the inbox rows",
        "I9",
        "the_receiver_is_away",
        (
            Edit("chat.usecases.sync:_delivered", "return not all(surely)", "return True"),
            Edit("chat.usecases.sync:_delivered", " and not any(perhaps)", ""),
        ),
    ),
    Mutant(
        "unreceipted-to-strangers",
        "unreceipted is answered to accepted accounts only",
        "I9",
        "a_stranger_writes",
        (Edit("chat.usecases.sync:_unreceipted", " or not relation.accepted", ""),),
    ),
    Mutant(
        "unreceipted-unblocked",
        "unreceipted says nothing of messages from before an unblocking",
        "I9",
        "a_message_into_a_block",
        (
            Edit(
                "chat.usecases.sync:_unreceipted",
                "max(relation.unblocked_at, now - OLDEST_ROW) + NEWEST_ID",
                "0",
            ),
        ),
    ),
    Mutant(
        "the-mark-has-no-margin",
        "the low-water mark is the time at the first page, minus 5 min",
        "I1",
        "a_slow_write_and_an_empty_drain",
        (Edit(_SYNC, "min(started_at, now) - MARK_MARGIN", "min(started_at, now)"),),
    ),
    Mutant(
        "tokens-skip-a-row",
        "the inbox is drained by the presence of rows, page by page",
        "I1",
        "more_than_a_page",
        (
            Edit(
                "chat.usecases.sync:_drain",
                "                return last\n",
                "                return row.name\n",
            ),
        ),
    ),
    Mutant(
        "one-time-keys-given-twice",
        "a one-time key goes to one caller",
        "I11",
        "two_senders_begin_with_one",
        (
            Edit(_TAKE, "window.pop(choose(len(window)))", "window.pop(0)"),
            Edit(_TAKE, "if key and prekeys.remove(address, kind, number):", "if key:"),
        ),
    ),
    Mutant(
        "removed-devices-have-keys",
        "keys are given of devices on the list; who is removed has none left",
        "I11",
        "keys_of_a_removed_device",
        (
            Edit("chat.usecases.keys:forget", "for kind in Kind:", "for kind in ():"),
            Edit(
                "chat.usecases.keys:claim",
                "(device := found.find(number))",
                "(device := found.find(number)\n"
                "        or __import__('dataclasses').replace(found.devices[0], device=number))",
            ),
        ),
    ),
)
