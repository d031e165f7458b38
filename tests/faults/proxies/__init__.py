"""What stands between the parts of a fault run and loses, slows or falsifies what passes.

Three kinds, all on 127.0.0.1 with free ports, on one thread that ends with the process: :class:`TcpProxy`
before the database, :class:`Doors` before the WebSocket API (a door of its own for each device), and
:class:`PostProxy` before ``@connections``. Idle, they pass everything through.
"""

from __future__ import annotations

from tests.faults.proxies.doors import Doors, through
from tests.faults.proxies.links import Links
from tests.faults.proxies.posts import PostFault, PostProxy
from tests.faults.proxies.tcp import TcpProxy

__all__ = ["Doors", "Links", "PostFault", "PostProxy", "TcpProxy", "through"]
