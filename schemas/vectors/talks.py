"""Conversations of two sessions for the vectors: messages in and out of order, and what comes twice."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.vectors.parties import Agreed, Json, given
from schemas.vectors.second import agreement, double_ratchet
from schemas.vectors.second.double_ratchet import State


@dataclass
class Talk:
    """A conversation of two sessions that writes down what happens; Alice begins."""

    agreed: Agreed
    name: str
    steps: list[Json] = field(default_factory=list)
    drawn: dict[str, list[str]] = field(default_factory=lambda: {"alice": [], "bob": []})
    answered: bool = False

    def __post_init__(self) -> None:
        secret, self.prefix, _ = self.agreed.begin()
        self.alice = State.alice(secret, agreement.x25519_public(self.agreed.keys.signed), self._key("alice"))
        self.bob = State.bob(secret, self.agreed.keys.signed, self._key("bob"))
        self.sent: list[tuple[str, bytes, bytes]] = []

    def _key(self, who: str) -> double_ratchet.NewKey:
        def draw() -> bytes:
            key = given(f"{self.name}: {who}: ratchet key {len(self.drawn[who])}")
            if key.hex() not in self.drawn[who]:
                self.drawn[who].append(key.hex())
            return key

        return draw

    def send(self, who: str, text: str) -> int:
        """Send a message; its number."""
        back, number = who == "bob", len(self.sent)
        names = self.agreed.names(number, back)
        prefix = b"" if back or self.answered else self.prefix
        associated = double_ratchet.associated(names, prefix)
        state = self.bob if back else self.alice
        envelope = (prefix or b"\x01\x02") + state.encrypt(double_ratchet.pad(text.encode()), associated)
        self.sent.append((who, envelope, associated))
        self.steps.append(
            {"send": number, "by": who, "names": names, "content": text, "envelope": envelope.hex()}
        )
        return number

    def receive(self, number: int) -> None:
        """The other side opens a message."""
        who, envelope, associated = self.sent[number]
        start = len(self.prefix) if envelope[1] == 1 else 2
        state = self.alice if who == "bob" else self.bob
        state.decrypt(envelope[start:], associated)
        self.answered = self.answered or who == "bob"
        self.steps.append({"receive": number, "by": "alice" if who == "bob" else "bob"})

    def refuse(self, number: int) -> None:
        """The other side gets a message once more, and it does not open."""
        who, _, _ = self.sent[number]
        drawn = {name: list(keys) for name, keys in self.drawn.items()}
        try:
            self.receive(number)
        except double_ratchet.Refused:
            self.drawn.update(drawn)
            self.steps.append({"refuse": number, "by": "alice" if who == "bob" else "bob"})
            return
        raise AssertionError("it opened twice")

    def written(self) -> Json:
        """The vector. ``ratchet_keys`` are private keys in the order in which each side makes them."""
        return {
            "name": self.name,
            "agreement": self.agreed.name,
            "ratchet_keys": self.drawn,
            "steps": self.steps,
        }


def talk(agreed: Agreed) -> Json:
    """Two first messages, an answer, and one that needs no prefix any more."""
    talk = Talk(agreed, f"{agreed.name}: a short talk")
    talk.receive(talk.send("alice", '{"v":1,"text":"first"}'))
    talk.receive(talk.send("alice", '{"v":1,"text":"' + "long " * 90 + '"}'))
    talk.receive(talk.send("bob", '{"v":1,"text":"answer"}'))
    talk.receive(talk.send("alice", '{"v":1,"text":"no prefix"}'))
    return talk.written()


def shuffled(agreed: Agreed) -> Json:
    """Skipped keys within one chain; the first message that comes is not the first that was sent."""
    talk = Talk(agreed, f"{agreed.name}: out of order")
    numbers = [talk.send("alice", f'{{"v":1,"n":{i}}}') for i in range(5)]
    for at in (3, 0, 4, 1):
        talk.receive(numbers[at])
    talk.refuse(numbers[3])
    talk.refuse(numbers[0])
    talk.receive(numbers[2])
    return talk.written()


def turns(agreed: Agreed) -> Json:
    """Skipped keys over two turns of the ratchet."""
    talk = Talk(agreed, f"{agreed.name}: keys of chains before")
    first = [talk.send("alice", f'{{"v":1,"n":{i}}}') for i in range(3)]
    talk.receive(first[0])
    answers = [talk.send("bob", f'{{"v":1,"n":{10 + i}}}') for i in range(2)]
    talk.receive(answers[1])
    second = [talk.send("alice", f'{{"v":1,"n":{20 + i}}}') for i in range(2)]
    talk.receive(second[1])
    talk.receive(talk.send("bob", '{"v":1,"n":30}'))
    for number in (first[2], answers[0], second[0], first[1]):
        talk.receive(number)
    talk.refuse(first[1])
    return talk.written()
