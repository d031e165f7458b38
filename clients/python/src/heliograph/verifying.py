"""What a client knows of who is who: safety numbers, verified accounts, and accepting what changed."""

from __future__ import annotations

import asyncio

from heliograph.account import OwnAccount
from heliograph.errors import NotFound, SafetyNumberDiffers
from heliograph.ids import AccountId
from heliograph.safety_number import SafetyNumber, safety_number
from heliograph.store import identities, pins


class Verifying(OwnAccount):
    """The identities' side of a client."""

    async def safety_number(self, account: AccountId) -> SafetyNumber:
        """Give what the owners of both accounts compare; the same on all devices of both, for ever.

        Where the server shows another identity than the pinned one it is that of what is shown now, so that
        it can be compared before it is trusted. Works offline once the account was written to or looked up.

        Raises:
            NotFound: There is no such account, or it is the own one.
            NetworkError: It is not known here, and the server was not reached.
            IdentityUntrusted: It is not known here, and its device chain does not hold.
        """
        number, _ = await self._compared(account)
        return number

    async def verify(self, account: AccountId, scanned: str | None = None) -> None:
        """Mark an account as verified: the owners have compared their safety numbers.

        Accepts the identity that the server shows, if it changed: it is the one that was compared.

        Args:
            account: Whose.
            scanned: What the QR code on the other's screen holds; the mark is made where it is the same here.
                Without it the caller vouches that both have seen the same digits.

        Raises:
            SafetyNumberDiffers: What was scanned is another number: nothing is marked.
            IdentityUntrusted: The list has a device that nobody signed: the number does not cover it. Or the
                own identity changed.
        """
        number, sides = await self._compared(account)
        if scanned is not None and scanned.strip() != number.qr:
            raise SafetyNumberDiffers(
                "the safety numbers differ: somebody may be in between, or another account was scanned"
            )
        directory = self._running().directory
        await self._store().run(lambda connection: identities.verify(connection, *sides))
        directory.forget(account)

    async def unverify(self, account: AccountId) -> None:
        """End the mark that `verify` made."""
        await self._store().run(lambda connection: pins.unmark(connection, account))

    async def trust(self, account: AccountId) -> None:
        """Accept the identity of an account (the own one, too) as the server showed it last.

        From now on it is written to again; messages that failed are sent by `Message.retry`. The mark of
        `verify` ends, unless all that changed was signed as it should be. Where nothing changed: nothing.

        Raises:
            IdentityUntrusted: The server shows no valid device chain: there is nothing to accept.
        """
        directory = self._running().directory
        await self._store().run(lambda connection: identities.trust(connection, account))
        directory.forget(account)

    async def _compared(self, account: AccountId) -> tuple[SafetyNumber, tuple[pins.Pin, pins.Pin]]:
        if account == self.account:
            raise NotFound("an account has no safety number with itself")
        directory = self._running().directory
        mine, theirs = await directory.pin(self.account), await directory.pin(account)
        return await asyncio.to_thread(safety_number, mine.first, theirs.first), (mine, theirs)
