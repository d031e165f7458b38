"""Posting to WebSocket clients through API Gateway's callback address, without boto3.

boto3 costs ten times the CPU per post and 200 ms at cold start. One kept-alive connection per thread;
a Lambda that was frozen finds it closed, which is mended without anybody noticing.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

from chat import observability
from chat.adapters.http_link import Link
from chat.adapters.meter import Meter
from chat.adapters.sigv4 import Credentials, signed_headers
from chat.adapters.tls import aws_context
from chat.ports.sockets import Gone, Outcome, PostFailed, Throttled
from chat.settings import SocketSettings

TIMEOUT = 2.0
"""Seconds for one attempt; a post has at most two, and pauses in between."""

PARALLEL = 8
"""Posts under way at once. Each thread keeps its connection, and waits far more than it computes."""

_PAUSE = (0.02, 0.1)


class ConnectionsGateway:
    """The ``@connections`` interface of one WebSocket stage. Threads may share an object."""

    def __init__(self, settings: SocketSettings, meter: Meter | None = None) -> None:
        self._meter = meter
        url = urlsplit(settings.endpoint)
        self._secure = url.scheme == "https"
        self._host = url.netloc
        self._address = (url.hostname or "", url.port or (443 if self._secure else 80))
        self._path = url.path.rstrip("/") + "/@connections/"
        self._region = settings.region
        self._thread = threading.local()
        self._pool: ThreadPoolExecutor | None = None

    def post(self, connection_id: str, data: bytes) -> None:
        """Hand one text frame to a socket.

        A throttle, a server error or a timeout is retried once after a short random pause, so a frame may
        arrive twice: the device drops what it knows. Raises ``Gone``, ``Throttled`` or ``PostFailed``.
        """
        self._ask("POST", connection_id, data)

    def post_all(self, frames: Sequence[tuple[str, bytes]]) -> list[Outcome]:
        """Hand out frames, several at once; one outcome for each, in order. Frames of one socket keep theirs.

        Never raises for a socket: one that fails does not hold up the others.
        """
        by_socket: dict[str, list[int]] = {}
        for index, (connection_id, _) in enumerate(frames):
            by_socket.setdefault(connection_id, []).append(index)
        outcomes = [Outcome.FAILED] * len(frames)

        def post_to_one(indices: list[int]) -> None:
            outcome = Outcome.DELIVERED
            for index in indices:
                if outcome is Outcome.DELIVERED:  # what one frame of a socket met, the next ones meet too
                    outcome = self._outcome(*frames[index])
                outcomes[index] = outcome

        if len(by_socket) > 1:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="post")
            list(self._pool.map(post_to_one, by_socket.values()))
        else:
            for indices in by_socket.values():
                post_to_one(indices)
        return outcomes

    def close(self, connection_id: str) -> None:
        """Close a socket; one that is gone already is fine. Raises ``Throttled`` or ``PostFailed``."""
        try:
            self._ask("DELETE", connection_id, b"")
        except Gone:
            return

    def _outcome(self, connection_id: str, data: bytes) -> Outcome:
        try:
            self.post(connection_id, data)
        except Gone:
            return Outcome.GONE
        except PostFailed as error:
            observability.not_posted(str(error))
            return Outcome.FAILED
        return Outcome.DELIVERED

    def _ask(self, method: str, connection_id: str, body: bytes) -> None:
        error = self._attempt(method, connection_id, body)
        if error is not None:
            time.sleep(random.uniform(*_PAUSE))  # noqa: S311, spreads load
            error = self._attempt(method, connection_id, body)
        if error is not None:
            raise error

    def _attempt(self, method: str, connection_id: str, body: bytes) -> PostFailed | None:
        """None if it went well, an error to try again after; raises what another attempt cannot mend."""
        kept: Link | None = getattr(self._thread, "link", None)
        try:
            status = self._exchange(kept or self._connect(), method, connection_id, body)
        except TimeoutError:
            return PostFailed(f"{method} took more than {TIMEOUT} s")
        except OSError as error:
            if kept is not None:  # closed while this environment was frozen
                return self._attempt(method, connection_id, body)
            return PostFailed(f"{method}: {type(error).__name__}")
        if status in (200, 204):
            return None
        if status == 410:
            raise Gone(connection_id)
        if status == 429:
            return Throttled(f"{method}: HTTP 429")
        failed = PostFailed(f"{method}: HTTP {status}")
        if status >= 500:
            return failed
        raise failed

    def _connect(self) -> Link:
        return Link(*self._address, TIMEOUT, aws_context() if self._secure else None)

    def _exchange(self, link: Link, method: str, connection_id: str, body: bytes) -> int:
        path = self._path + quote(connection_id, safe="")
        headers = signed_headers(
            method,
            self._host,
            path,
            body,
            region=self._region,
            service="execute-api",
            credentials=Credentials.from_env(),
        )
        self._thread.link = None
        try:
            status, stays = link.ask(method, path, headers, body)
        except BaseException:
            link.close()
            raise
        if stays:
            self._thread.link = link
        else:
            link.close()
        if self._meter is not None and method == "POST":
            self._meter.post(len(body), status)
        return status
