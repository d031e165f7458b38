"""Where the server's socket is."""

from __future__ import annotations

from heliograph.errors import VersionUnsupported
from heliograph.http import HttpApi
from heliograph.signing import check_secure
from heliograph.store import profile
from heliograph.store.database import Database


class SocketAddress:
    """The URL of the socket: asked of the server, and remembered in the store from run to run."""

    def __init__(self, api: HttpApi, database: Database) -> None:
        self._api = api
        self._database = database
        self._url: str | None = None
        self._try_known = True

    async def get(self) -> str:
        """Give the URL; the one of the last run is tried once.

        Who opens an application often saves a request each time. Where that URL fails, or the clock here is
        off, the handshake does, and then the server is asked.

        Raises:
            VersionUnsupported: The server speaks no version that this SDK speaks.
            InsecureServer: The address is not encrypted.
            NetworkError: The server was not reached.
        """
        if self._url is None:
            self._url = await self._known() or await self._ask()
        return self._url

    async def ask_again(self) -> None:
        """Ask the server, which also corrects the clock."""
        self._url = await self._ask()

    def failed(self) -> None:
        """Forget it: nobody answered there as a server would."""
        self._url = None

    async def _known(self) -> str | None:
        if not self._try_known:
            return None
        self._try_known = False
        base_url = self._api.base_url
        url = await self._database.run(lambda connection: profile.socket_url(connection, base_url))
        if url is not None:
            check_secure(url)
        return url

    async def _ask(self) -> str:
        found = await self._api.discover()
        versions = found.get("versions", {}).get("supported", [])
        if 1 not in versions:
            raise VersionUnsupported(f"the server speaks protocol versions {versions}, this SDK speaks 1")
        url = str(found["socket_url"])
        check_secure(url)
        base_url = self._api.base_url
        self._database.later(lambda connection: profile.remember_socket_url(connection, base_url, url))
        return url
