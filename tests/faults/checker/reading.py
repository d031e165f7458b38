"""Reads the records of a run, once, in the order of their time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.faults.checker.frames import Socket
from tests.faults.checker.observed import History, Message, Reset, Sealed
from tests.faults.checker.windows import NEVER
from tests.faults.history import Record

Call = tuple[str, str, str, str]


class _Reader:
    """Takes records in; one method a kind."""

    def __init__(self) -> None:
        self.history = History()
        self._sockets: dict[str, Socket] = {}
        self._open_calls: dict[Call, int] = {}
        """Relation calls under way: where their span stands in its list."""
        self._kinds: dict[str, Callable[[Record], None]] = {
            "frame": self._frame,
            "send": self._send,
            "shown": self._shown,
            "status": self._status,
            "read": self._read,
            "relation": self._relation,
            "client": self._client,
            "device": self._device,
            "final": self._final,
            "sealed": self._sealed,
            "claimed": self._claimed,
            "socket": self._socket,
            "unread": self._unread,
            "rolled_back": self._rolled_back,
        }

    def take(self, record: Record) -> None:
        """Take in the next record; kinds that no invariant needs are passed over."""
        kind = record["kind"]
        if kind == "healed":
            self.history.healed_at = record["t"]
        elif kind == "server":
            self.history.server = record
        elif kind in self._kinds:
            self._kinds[kind](record)

    def _sealed(self, record: Record) -> None:
        name = (record["id"], record["who"])
        sealed = self.history.sealed.setdefault(name, Sealed(record["logical"]))
        for device, digest in record["devices"].items():
            sealed.digests[device].add(digest)

    def _claimed(self, record: Record) -> None:
        self.history.claims.append(record)

    def _socket(self, record: Record) -> None:
        if record["what"] == "open":
            self.history.device(record["who"]).sockets.append((record["t"], record["number"]))

    def _unread(self, record: Record) -> None:
        name = (record["id"], record["sender"])
        self.history.device(record["who"]).unread.setdefault(name, record["t"])

    def _rolled_back(self, record: Record) -> None:
        self.history.device(record["who"]).told_of_rollback.append(record["t"])

    def _frame(self, record: Record) -> None:
        self.history.frames.append(record)
        socket = self._sockets.get(record["socket"])
        if socket is None:
            device = self.history.device(record["who"])
            socket = self._sockets[record["socket"]] = Socket(self.history, device)
        (socket.sent if record["way"] == "out" else socket.received)(record["frame"], record["t"])

    def _send(self, record: Record) -> None:
        messages, logical = self.history.messages, record["logical"]
        if record["phase"] == "invoke":
            message = Message(logical, record["who"], record["to"], record["body"], record["t"])
            messages[logical] = message
            self.history.messages_of[message.sender].append(message)
        elif record["phase"] == "ok":
            messages[logical].returned = record["t"]
        elif record["phase"] == "fail":
            messages[logical].failed = True

    def _shown(self, record: Record) -> None:
        self.history.device(record["who"]).shown.append(record)

    def _status(self, record: Record) -> None:
        self.history.device(record["who"]).statuses.append(record)

    def _read(self, record: Record) -> None:
        if record["phase"] == "invoke":
            self.history.device(record["who"]).reads.setdefault(record["logical"], record["t"])

    def _relation(self, record: Record) -> None:
        account, peer, what, time = record["account"], record["peer"], record["what"], record["t"]
        spans = self.history.relation_calls[account, peer, what]
        call = (record["who"], account, peer, what)
        if record["phase"] == "invoke":
            self._open_calls[call] = len(spans)
            spans.append((time, NEVER))
            if what == "accept":
                self.history.wrote.setdefault((account, peer), time)
        elif record["phase"] == "ok" and call in self._open_calls:
            index = self._open_calls.pop(call)
            spans[index] = (spans[index][0], time)
            if what == "accept":
                self.history.surely_accepted.add((account, peer))

    def _client(self, record: Record) -> None:
        device, what, time = self.history.device(record["who"]), record["what"], record["t"]
        if what == "start":
            device.starts.append(time)
        elif what == "restore":
            device.resets.append(Reset(record["snapshot_t"], time, record["newest_connect"]))
        elif what == "copy":
            device.resets.append(Reset(record["snapshot_t"], NEVER))
            device.copied = True

    def _device(self, record: Record) -> None:
        if record["what"] == "removed":
            device = self.history.device(record["device"])
            device.removed = True
            if record["phase"] == "ok":
                device.removed_by = min(device.removed_by, record["t"])

    def _final(self, record: Record) -> None:
        self.history.device(record["who"]).final = record["messages"]


def observe(records: Sequence[Record]) -> History:
    """The history that the records tell."""
    reader = _Reader()
    if records:
        reader.history.origin = records[0]["t"]
    for record in records:
        reader.take(record)
    return reader.history
