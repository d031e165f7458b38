"""All links of one local cloud, and how its functions are pointed at them."""

from __future__ import annotations

from tests.faults.proxies.doors import Doors
from tests.faults.proxies.posts import PostProxy
from tests.faults.proxies.tcp import TcpProxy


class Links:
    """A proxy before the database, one before ``@connections``, and a door for each client.

    Make it before the cloud is started: ``environment`` goes into its ``extra_env``, where
    ``tests.barriers:decorate`` finds it.
    """

    def __init__(self, *, cassandra_port: int, gateway_port: int) -> None:
        self.database = TcpProxy(cassandra_port)
        self.connections = PostProxy(gateway_port)
        self.clients = Doors(gateway_port)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which the functions find the first two."""
        return {
            "HELIOGRAPH_DATABASE_LINK": str(self.database.port),
            "HELIOGRAPH_POSTS_LINK": str(self.connections.port),
        }

    def heal(self) -> None:
        """Everything passes again."""
        self.database.heal()
        self.connections.heal()
        self.clients.heal()

    def close(self) -> None:
        """Stop listening and lose what is open."""
        self.database.close()
        self.connections.close()
        self.clients.close()
