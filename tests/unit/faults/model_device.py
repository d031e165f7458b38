"""The small model's client: dedupe, persist, acknowledge; what `docs/protocol.md` asks of one, and no more.

What survives a kill is the store. Every method ends with the store as a commit would leave it; `Device.kill`
may come between any two of them.
"""

from __future__ import annotations

import copy
import random
from hashlib import sha256
from itertools import count
from typing import Any

from tests.faults.checker.delivery import conversation_of
from tests.unit.faults.model_cloud import Cloud, Flight, Frame, Link, address
from tests.unit.faults.model_store import Chain, Entry, Key, Name, Store, time_of, uuid7

RANKS = {"pending": 0, "sent": 1, "delivered": 2, "read": 3}
NEW_ID = ("ID_STALE", "ID_AHEAD", "ID_ORDER")
FINAL = ("RECIPIENT_BLOCKED", "NOT_FOUND", "BAD_RECIPIENT", "TOO_LARGE", "DEVICE_REMOVED")
REMINTED_AFTER = 100_000
"""Age (ms) up to which a retry repeats an id."""


class Device:
    """One process of a device, or of a copy of it."""

    def __init__(self, cloud: Cloud, who: str, rng: random.Random, store: Store | None = None) -> None:
        self.cloud = cloud
        self.who = who
        self.account = who.partition(":")[0]
        self.store = store or Store()
        self.rng = rng
        self.skew = 0
        """How far its clock is ahead of the server's (ms)."""
        self.running = False
        self.caught_up = False
        self.link: Link | None = None
        self._refs = count(1)
        self._shown = 0
        self._forget()

    def _forget(self) -> None:
        """What a process loses with its death."""
        self._asked: dict[str, tuple[str, list[Key], dict[Name, str]]] = {}
        self._lists: dict[str, list[int]] = {}
        self._first_to: set[str] = set()
        self._shown = self.store.cursor

    # --- the process

    def start(self) -> None:
        """Open the store."""
        self.cloud.record("client", self.who, what="start")
        self.running = True
        self._forget()

    def kill(self) -> None:
        """kill -9."""
        self.cloud.record("client", self.who, what="kill")
        self.running = False
        self.cut()

    def cut(self) -> None:
        """The socket breaks; what was asked on it is not answered any more."""
        if self.link is not None:
            self.cloud.cut(self.link)
        self.link = None
        self.caught_up = False
        self._asked.clear()

    def restore(self, store: Store, snapshot: int) -> None:
        """Put an older store in place; the process must not run."""
        newest = max(store.tried, default=0)
        self.cloud.record("client", self.who, what="restore", snapshot_t=snapshot, newest_connect=newest)
        self.store = copy.deepcopy(store)

    def copied(self, snapshot: int) -> Device:
        """A second process on a copy of the store."""
        self.cloud.record("client", self.who, what="copy", snapshot_t=snapshot)
        return Device(self.cloud, self.who, self.rng, copy.deepcopy(self.store))

    @property
    def online(self) -> bool:
        """Whether there is a socket."""
        return self.link is not None and self.link.alive

    # --- the socket

    def connect(self) -> None:
        """Open a socket and ask for what is undelivered."""
        number = max(*self.store.tried, 0, self.cloud.world.time - 1) + 1
        self.store.tried.add(number)
        self.cut()
        self.link = self.cloud.open(address(self.who), number)
        if self.link is not None:
            socket = self.link.connection.connection_id
            self.cloud.record("socket", self.who, socket=socket, what="open", number=number)
            self.sync()

    def sync(self, token: str = "", *, ask_receipts: bool = False) -> Flight:
        """Send a `sync`."""
        frame: Frame = {"action": "sync"}
        if token:
            frame["token"] = token
        else:
            self.caught_up = False
            frame["have"] = [list(name) for name in self.store.owed if "/" not in name[1]]
            if ask_receipts and (missing := self._unreceipted()):
                frame["unreceipted"] = missing
        return self._put("sync", "", [], frame, self._take_acks(frame))

    def transmit(self, peer: str, most: int = 3) -> Flight | None:
        """Send what is pending to an account, unless a frame of this conversation is not answered yet."""
        if any(asked[0] == peer for asked in self._asked.values()):
            return None
        keys = [key for key in self.store.queue.get(peer, ()) if self.store.entries[key].status == "pending"]
        if not keys or not self.online:
            return None
        frame: Frame = {"action": "send", "messages": self._attempts(peer, keys[:most])}
        return self._put("send", peer, keys[:most], frame, self._take_acks(frame))

    def acknowledge(self) -> Flight | None:
        """Send what acks are owed in a frame of their own."""
        frame: Frame = {"action": "ack"}
        if not self.online or not self._take_acks(frame):
            return None
        return self._put("ack", "", [], frame, {})

    def give_up(self) -> None:
        """Nothing was answered in time: ask again, on this socket."""
        for _, _, acks in self._asked.values():
            self.store.owed = acks | self.store.owed
        self._asked.clear()

    def _put(self, function: str, peer: str, keys: list[Key], frame: Frame, acks: dict[Name, str]) -> Flight:
        assert self.link is not None
        ref = str(next(self._refs))
        frame["ref"] = ref
        if function != "ack":
            self._asked[ref] = (peer if function == "send" else "", keys, acks)
        self._record_frame(self.link, "out", frame)
        return self.cloud.send(self.link, function, frame)

    def _record_frame(self, link: Link, way: str, frame: Frame) -> None:
        self.cloud.record("frame", self.who, socket=link.connection.connection_id, way=way, frame=frame)

    # --- sending

    def send(self, peer: str, body: str, *, returns: bool = True) -> Key:
        """Put a message into the outbox; `returns` false: the process dies before the call is through."""
        logical = f"{self.rng.getrandbits(128):032x}"
        key = (self.account, logical)
        self.cloud.record("send", self.who, phase="invoke", to=peer, logical=logical, body=body)
        self.store.entries[key] = Entry(logical, self.account, self.who, peer, body, True, "pending")
        self.store.queue.setdefault(peer, []).append(key)
        if peer not in self.store.accepted:
            self.store.accepted.add(peer)
            self._first_to.add(peer)
        if returns:
            self.cloud.record("send", self.who, phase="ok", logical=logical, id=None)
        return key

    def _attempts(self, peer: str, keys: list[Key]) -> list[dict[str, Any]]:
        """The messages of a frame; ids rise, and an attempt that may have arrived is repeated as it was."""
        attempts, renew = [], False
        for key in keys:
            entry = self.store.entries[key]
            too_old = entry.attempt is not None and self.cloud.world.time - time_of(entry.id) > REMINTED_AFTER
            if entry.attempt is None or renew or too_old:
                renew = True
                milliseconds = max(self.cloud.world.time + self.skew, self.store.newest.get(peer, 0) + 1)
                self.store.newest[peer] = milliseconds
                entry.id = uuid7(milliseconds, self.rng)
                self.store.names[entry.id, self.who] = key
                entry.attempt = self._sealed(entry, peer)
            attempts.append(entry.attempt)
        return attempts

    def _sealed(self, entry: Entry, peer: str) -> dict[str, Any]:
        theirs = {str(device): f"{peer}:{device}" for device in self._list(peer)}
        mine = {
            str(device): f"{self.account}:{device}"
            for device in self._list(self.account)
            if f"{self.account}:{device}" != self.who
        }
        texts = {}
        for device in (*theirs.values(), *mine.values()):
            chain = self.store.chains.setdefault(device, Chain(self.rng.randbytes(32)))
            texts[device] = self.cloud.vault.seal(entry, chain, self.rng)
        digests = {device: sha256(text.encode()).hexdigest() for device, text in texts.items()}
        self.cloud.record(
            "sealed", self.who, id=entry.id, logical=entry.logical, content="text", devices=digests
        )
        own = {number: texts[device] for number, device in mine.items()}
        devices = {number: texts[device] for number, device in theirs.items()}
        return {"id": entry.id, "to": peer, "devices": devices, **({"own": own} if own else {})}

    def _list(self, account: str) -> list[int]:
        if account not in self._lists:
            self._lists[account] = self.cloud.devices(account)
        return self._lists[account]

    # --- receiving

    def receive(self, most: int = 100) -> None:
        """Read frames that arrived: persist, then owe the acks."""
        for _ in range(most):
            link = self.link
            if link is None or not link.arriving:
                return
            frame = link.arriving.pop(0)
            self._record_frame(link, "in", frame)
            self._look_back(frame)
            asked = self._asked.pop(str(frame.get("ref")), None)
            if asked is not None:
                self._answered(asked, frame)
            for event in frame.get("events", ()):
                self._ingest(event)
            if asked is not None and "token" in frame and self.online:
                self.sync(frame["token"])
            elif "caught_up" in frame:
                self.caught_up = True

    def _look_back(self, frame: Frame) -> None:
        """A page tells the connect number before this one: a store that never tried it was set back."""
        previous = int(frame.get("previous_connect", 0))
        if not previous or previous in self.store.tried:
            return
        self.store.tried.add(previous)
        self.store.chains.clear()
        self.store.log.append(("rolled back", ("", ""), str(previous)))

    def _answered(self, asked: tuple[str, list[Key], dict[Name, str]], frame: Frame) -> None:
        peer, keys, acks = asked
        if "error" in frame or "ack_error" in frame:
            self.store.owed = acks | self.store.owed
        results = {result["id"]: result for result in frame.get("results", ())}
        for key in keys:
            entry = self.store.entries[key]
            result = results.get(entry.id, frame)
            code = result.get("error", {}).get("code", "")
            if result.get("accepted"):
                entry.attempt = None
                self._raise(key, "sent")
                if peer in self._first_to:
                    self._first_to.discard(peer)
                    self._owe_receipts(peer)
            elif code in FINAL and entry.status == "pending":
                entry.status, entry.attempt = "failed", None
                self.store.log.append(("status", key, "failed"))
            elif code in NEW_ID:
                for later in self.store.queue[peer]:
                    self.store.entries[later].attempt = None
            elif code == "DEVICE_LIST_STALE":
                self._lists.clear()
                for later in self.store.queue[peer]:
                    if (waiting := self.store.entries[later]).attempt is not None:
                        waiting.attempt = self._sealed(waiting, peer)
        self.store.queue[peer] = [
            key for key in self.store.queue.get(peer, ()) if self.store.entries[key].status == "pending"
        ]

    def _ingest(self, event: Frame) -> None:
        if event["type"] == "message":
            self._message(event)
        elif event["type"] == "receipt":
            for message_id, sender in event["messages"]:
                key = self.store.names.get((message_id, sender))
                if key is not None and key[0] == self.account:
                    self._raise(key, event["status"])
            if "row" in event:
                self.store.owed[event["row"][0], event["row"][1]] = "quiet"
        elif event["type"] == "device_list_changed":
            self._lists.pop(event["account"], None)
        elif event["type"] == "session_closed":
            self.cut()

    def _message(self, event: Frame) -> None:
        name = (event["id"], event["sender"])
        account = event["sender"].partition(":")[0]
        own_copy = account == self.account
        peer = event["to"] if own_copy else account
        self.store.newest[peer] = max(self.store.newest.get(peer, 0), time_of(event["id"]))
        key = self.store.names.get(name)
        if key is None:
            content = self.cloud.vault.open(event["ciphertext"])
            key = self.store.names[name] = (account, content["logical_id"])
        entry = self.store.entries.get(key)
        if entry is None:
            status = "sent" if own_copy else "delivered"
            entry = Entry(
                key[1], account, event["sender"], peer, content["text"], own_copy, status, event["id"]
            )
            self.store.entries[key] = entry
            self.store.log.append(("shown", key, ""))
            if own_copy and peer not in self.store.accepted:
                self.store.accepted.add(peer)
                self._owe_receipts(peer)
        entry.id = max(entry.id, event["id"])
        quiet = own_copy or account not in self.store.accepted
        self.store.owed[name] = "quiet" if quiet else "read" if entry.status == "read" else "delivered"

    def _raise(self, key: Key, status: str) -> None:
        entry = self.store.entries[key]
        if RANKS.get(entry.status, 0) < RANKS[status]:
            entry.status = status
            self.store.log.append(("status", key, status))

    def _take_acks(self, frame: Frame) -> dict[Name, str]:
        """Move what is owed into a frame; what gets lost with it comes again."""
        taken, self.store.owed = self.store.owed, {}
        ack: dict[str, Any] = {}
        for name, kind in taken.items():
            if kind == "read":
                conversation = self.store.entries[self.store.names[name]].peer
                read = ack.setdefault("read", {})
                read.setdefault(conversation_of(self.account, conversation), []).append(list(name))
            else:
                ack.setdefault(kind, []).append(list(name))
        if ack:
            frame["ack"] = ack
        return taken

    def _unreceipted(self) -> dict[str, list[list[str]]]:
        missing: dict[str, list[list[str]]] = {}
        for entry in self.store.entries.values():
            if entry.sender == self.who and entry.status == "sent":
                missing.setdefault(entry.peer, []).append([entry.id, self.who])
        return missing

    # --- the application

    def show(self, most: int = 100) -> None:
        """Give logged events to the application; the last one stays unconfirmed until the next call."""
        for _ in range(most):
            self.store.cursor = self._shown
            if self._shown >= len(self.store.log):
                return
            kind, key, status = self.store.log[self._shown]
            self._shown += 1
            if kind == "rolled back":
                self.cloud.record("rolled_back", self.who, cursor=self._shown, previous_connect=int(status))
            elif kind == "status":
                self.cloud.record("status", self.who, cursor=self._shown, logical=key[1], status=status)
            else:
                self._show(self.store.entries[key])

    def _show(self, entry: Entry) -> None:
        self.cloud.record(
            "shown",
            self.who,
            cursor=self._shown,
            sender=entry.sender,
            account=entry.account,
            conversation=conversation_of(self.account, entry.peer),
            logical=entry.logical,
            id=entry.id,
            body=entry.body,
            own_copy=entry.outgoing,
        )

    def read(self, key: Key) -> None:
        """Mark a received message as read."""
        entry = self.store.entries[key]
        if entry.outgoing or entry.status == "read":
            return
        self.cloud.record("read", self.who, phase="invoke", logical=entry.logical, sender=entry.sender)
        entry.status = "read"
        if entry.account in self.store.accepted:
            self.store.owed[entry.id, entry.sender] = "read"
        self.cloud.record("read", self.who, phase="ok", logical=entry.logical, sender=entry.sender)

    def relate(self, what: str, peer: str) -> None:
        """Block, unblock or accept."""
        self.cloud.record("relation", self.who, account=self.account, peer=peer, what=what, phase="invoke")
        method, resource = {
            "block": ("PUT", "blocks"),
            "unblock": ("DELETE", "blocks"),
            "accept": ("PUT", "accepted"),
        }[what]
        answer = self.cloud.request(address(self.who), method, f"/v1/account/{resource}/{peer}")
        phase = "unknown" if answer is None or "error" in answer else "ok"
        self.cloud.record("relation", self.who, account=self.account, peer=peer, what=what, phase=phase)
        if what == "accept" and phase == "ok" and peer not in self.store.accepted:
            self.store.accepted.add(peer)
            self._owe_receipts(peer)

    def _owe_receipts(self, peer: str) -> None:
        """An account that was accepted gets receipts for what it sent before, too."""
        for entry in self.store.entries.values():
            if entry.account == peer:
                kind = "read" if entry.status == "read" else "delivered"
                self.store.owed[entry.id, entry.sender] = kind

    def final(self) -> list[dict[str, Any]]:
        """Every conversation as it is displayed."""
        entries = sorted(
            self.store.entries.values(), key=lambda entry: (entry.peer, entry.id or "~", entry.sender)
        )
        return [
            {
                "logical": entry.logical,
                "account": entry.account,
                "sender": entry.sender,
                "id": entry.id or None,
                "status": entry.status,
                "outgoing": entry.outgoing,
                "conversation": conversation_of(self.account, entry.peer),
            }
            for entry in entries
        ]
