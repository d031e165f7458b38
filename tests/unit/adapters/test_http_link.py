"""One connection over a real socket pair: what an answer says, and when the connection stays."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from chat.adapters.http_link import MOST_BYTES, Link

Serve = Callable[..., Link]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A link to a server that takes one request for each answer, which it gives in these pieces."""
    opened: list[socket.socket | Link] = []
    asked: list[bytes] = []

    def start(*answers: list[bytes]) -> Link:
        door = socket.create_server(("127.0.0.1", 0))
        opened.append(door)

        def run() -> None:
            client, _ = door.accept()
            with client:
                for pieces in answers:
                    asked.append(client.recv(65536))
                    for piece in pieces:
                        client.sendall(piece)

        threading.Thread(target=run, daemon=True).start()
        link = Link("127.0.0.1", door.getsockname()[1], timeout=5.0)
        opened.append(link)
        start.asked = asked  # type: ignore[attr-defined]
        return link

    yield start
    for one in opened:
        one.close()


def ask(link: Link) -> tuple[int, bool]:
    """One post."""
    return link.ask("POST", "/v1/x", {"host": "a.example", "x-amz-date": "now"}, b"body")


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
GONE = b'HTTP/1.1 410 Gone\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{"a":"gone"}'


def test_a_request_has_its_length_and_its_headers(serve: Serve) -> None:
    """Nothing is added to what was signed but the length."""
    assert ask(serve([OK])) == (200, True)
    assert serve.asked == [  # type: ignore[attr-defined]
        b"POST /v1/x HTTP/1.1\r\nhost: a.example\r\nx-amz-date: now\r\ncontent-length: 4\r\n\r\nbody"
    ]


def test_answers_in_any_pieces_are_read_to_their_end(serve: Serve) -> None:
    """The next answer begins where the one before ended."""
    pieces = [GONE[i : i + 7] for i in range(0, len(GONE), 7)]
    link = serve(pieces, [OK[:1], OK[1:]], [b"HTTP/1.1 204 No Content\r\n\r\n"], [GONE])
    assert [ask(link) for _ in range(4)] == [(410, True), (200, True), (204, True), (410, True)]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MOST_BYTES + 1),
    ],
)
def test_a_connection_whose_answer_has_no_sure_end_does_not_stay(serve: Serve, answer: bytes) -> None:
    """The status counts; what is left of the answer must not be taken for the next one."""
    assert ask(serve([answer])) == (200, False)


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\n", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 okay\r\n\r\n"]
)
def test_what_is_no_answer_is_a_connection_error(serve: Serve, answer: bytes) -> None:
    """The other side hung up, in the middle or at once, or speaks something else."""
    with pytest.raises(ConnectionError):
        ask(serve([answer]))


def test_an_answer_without_an_end_is_given_up(serve: Serve) -> None:
    """Memory stays small whatever comes."""
    with pytest.raises(ConnectionError):
        ask(serve([b"HTTP/1.1 200 OK\r\n", b"x" * 4 * MOST_BYTES]))
