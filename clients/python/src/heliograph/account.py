"""What an owner does with an account: register, link and remove devices, block, accept."""

from __future__ import annotations

import asyncio
import hashlib
import re
import sqlite3

from heliograph import linking
from heliograph.errors import (
    AlreadyRegistered,
    BadHandle,
    HeliographError,
    LinkedElsewhere,
    VerificationFailed,
)
from heliograph.ids import AccountId, base64url, from_base64url
from heliograph.linking import LinkOffer
from heliograph.model import CodeSent, Device
from heliograph.opening import OpenProfile
from heliograph.store import account_secrets, incoming, peers, profile
from heliograph.store.incoming import Ack
from heliograph.store.peers import Peer

HANDLE = re.compile(r"[a-z][a-z0-9_.]{1,29}")
NUMBER = re.compile(r"\+[1-9][0-9]{7,14}")


class OwnAccount(OpenProfile):
    """The account's side of a client."""

    async def request_code(self, number: str) -> CodeSent:
        """Have a code sent to a phone number, with which this device may register it.

        It is good for this device alone, and takes the place of the one before. Asked once: after a
        `NetworkError` the message may come all the same.

        Raises:
            BadHandle: It is no phone number (`+` and 8 to 15 digits).
            NumberNotServed: The server sends none to that country.
            RateLimited: The number got one less than a minute ago, or many today.
            CodesExhausted: The server may send no more today.
            VerificationFailed: The server takes no phone numbers.
            Unavailable: It may not have been sent.
        """
        if not NUMBER.fullmatch(number):
            raise BadHandle(f"a phone number is + and 8 to 15 digits: {number!r} is none")
        key = await self._store().run(profile.key)
        answer = await self._https().request_code(key, number)
        return CodeSent(answer["expires_at"], answer["again_at"])

    async def register(
        self, handle: str, *, name: str = "device", token: str | None = None, code: str | None = None
    ) -> None:
        """Make an account with this handle, and this device its first.

        The key is stored before it is used: repeating after a crash or a lost answer gives the same account.

        Args:
            handle: 2 to 30 of a-z 0-9 _ . , a letter first; or a phone number, `+` and 8 to 15 digits.
            name: What the owner calls the device; only own devices see it.
            token: ID token of the server's sign-in, with `sign_in_nonce()` as its `nonce`; none for a local
                cloud. With it the owner of a taken handle gets a new account, and the one before is retired.
            code: For a phone number: what `request_code` sent to it. The same holds for its owner.

        Raises:
            BadHandle: It has another shape.
            HandleTaken: It belongs to somebody else.
            VerificationFailed: The server wants a token or code, or another one; `attempts` tells how often
                a code may still be said.
            AlreadyRegistered: The profile has another handle already.
            NetworkError: The server was not reached.
        """
        if self._identity is not None:
            if self._identity.handle == handle:
                return
            raise AlreadyRegistered(f"the profile is {self._identity.handle} already")
        is_number = NUMBER.fullmatch(handle) is not None
        if not (is_number or HANDLE.fullmatch(handle)):
            raise BadHandle(
                "a handle is 2 to 30 of a-z 0-9 _ . , a letter first, or a phone number, "
                f"+ and 8 to 15 digits: {handle!r} is none"
            )
        if is_number and not code:
            raise VerificationFailed("a phone number needs the code that `request_code` has sent to it")
        api, database = self._https(), self._store()
        key = await database.run(profile.key)
        await api.discover()
        answer = await api.register(key, handle, name, token, code if is_number else None)
        first = Peer(answer["account"], answer["handle"], answer["version"], {answer["device"]: key.public})
        await database.run(account_secrets.make)
        await self._become(answer["account"], answer["device"], answer["handle"], first)

    async def sign_in_nonce(self) -> str:
        """Give the `nonce` that an ID token must carry to register this device: it names its key."""
        key = await self._store().run(profile.key)
        return base64url(hashlib.sha256(from_base64url(key.public)).digest())

    async def verification(self) -> list[str]:
        """Ask the server how a handle may be proved: `open`, `oidc` (names), `otp` (phone numbers).

        Raises:
            NetworkError: Nobody answers there.
        """
        answer = await self._https().discover()
        return [str(method) for method in answer.get("verification", [])]

    async def discover(self) -> int:
        """Ask the server for its discovery document; give its clock's difference to this one's in ms.

        Raises:
            NetworkError: Nobody answers there.
            NoServer: No server is known, or what answers is none.
        """
        await self._https().discover()
        return self._clock.offset

    async def handle_of(self, account: AccountId) -> str:
        """Give the handle of an account; its id where it is not known here and the server does not tell."""
        try:
            return await self._running().directory.handle_of(account)
        except HeliographError:
            return account

    async def start_linking(self) -> str:
        """Give the code by which a device of the account takes this new one in; then await `link_offer`.

        The same for ten minutes, over a restart too; then another one.
        """
        if self._identity is not None:
            raise AlreadyRegistered(f"the profile is {self._identity.handle} already")
        now = self._clock.local()
        return linking.code(
            await self._store().run(
                lambda connection: profile.linking_key(connection, now, linking.CODE_LIFE_MS)
            )
        )

    async def link_offer(self, timeout: float = 600) -> LinkOffer:  # noqa: ASYNC109 - the SDK's promise
        """Wait until an account took this new device in, and give it. Ask the owner whether it is theirs.

        Then `accept_link` or `refuse_link`: somebody else who saw the code may have been first.

        Raises:
            TimeoutError: Not within `timeout` seconds.
        """
        key = await self._store().run(profile.key)
        async with asyncio.timeout(timeout):
            return await linking.wait(self._https(), key)

    async def accept_link(self, offer: LinkOffer) -> None:
        """Become a device of the account that took this one in."""
        await self._become(offer.account, offer.device, offer.handle, offer.own)

    async def refuse_link(self) -> None:
        """Have nothing to do with the account that took this device in: its key is thrown away."""
        await self._store().run(profile.forget_key)

    async def linked(self, timeout: float = 600, *, handle: str | None = None) -> None:  # noqa: ASYNC109 - the SDK's promise
        """Wait until this new device was taken in, and become a device of that account without asking.

        Args:
            timeout: Seconds to wait.
            handle: The owner's; another account is refused.

        Raises:
            TimeoutError: Not within that time.
            LinkedElsewhere: It was another account's device that took it in. Show a new code.
        """
        offer = await self.link_offer(timeout)
        if handle is not None and offer.handle != handle:
            await self.refuse_link()
            raise LinkedElsewhere(f"{offer.handle} took this device in, not {handle}: show a new code")
        await self.accept_link(offer)

    async def link(self, code: str, *, name: str = "device") -> str:
        """Take in the new device that shows this code. Gives six digits: the new device must show the same.

        Raises:
            BadLinkCode: It is no such code.
            DeviceLimit: The account has as many devices as it can have.
            HeliographError: LINK_TAKEN where another account was first.
        """
        directory = self._running().directory
        check = await linking.take_in(
            self._https(), self.identity, directory.own_list, linking.parse(code), name
        )
        await directory.refresh(self.account)
        await self._running().share_secrets()
        return check

    async def devices(self) -> list[Device]:
        """List the devices of this account."""
        answer = await self._https().devices(self.identity)
        return [
            Device(
                entry["device"],
                entry["name"],
                entry["added_at"],
                entry["device"] == self.device,
                entry.get("linked_by"),
                entry.get("seen_at"),
            )
            for entry in answer["devices"]
        ]

    async def remove_device(self, device: int) -> None:
        """Remove a device of this account: its connection closes within seconds.

        Raises:
            NotFound: There is none with this number.
            HeliographError: LAST_DEVICE.
        """
        directory = self._running().directory
        await linking.take_out(self._https(), self.identity, directory.own_list, device)
        if device != self.device:
            await directory.refresh(self.account)

    async def block(self, account: AccountId) -> None:
        """Block an account: what it sends goes nowhere, and it does not learn that."""
        await self._https().relate(self.identity, "PUT", "blocks", account)

    async def unblock(self, account: AccountId) -> None:
        """End a block."""
        await self._https().relate(self.identity, "DELETE", "blocks", account)

    async def accept(self, account: AccountId) -> None:
        """Let an account that one never wrote to have receipts, for what it sent already too."""
        me, engine = self.identity, self._running()
        await self._https().relate(me, "PUT", "accepted", account)

        def store(connection: sqlite3.Connection) -> list[Ack]:
            return incoming.owe_receipts(connection, me, account) if peers.accept(connection, account) else []

        engine.acks.add(await self._store().run(store))
        engine.ask_again()

    async def blocked(self) -> list[AccountId]:
        """List the accounts that this one blocked."""
        answer = await self._https().own_account(self.identity)
        return [AccountId(account) for account in answer["blocked"]]
