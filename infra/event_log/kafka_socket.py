"""kafka-python's sockets, closed when a connection fails.

The library (3.0.12) leaves the socket of a refused connection to the garbage collector, at every try while
a broker is away. Its own extension point for proxies lets us connect directly and clean up.
"""

from typing import Any

from kafka.net.inet import KafkaNetSocket

DIRECT = "direct://"
"""Give this as `proxy_url` to every Kafka client."""


class DirectSocket(KafkaNetSocket):  # type: ignore[misc]  # kafka-python has no types
    """Connects without a proxy."""

    SCHEMES = ("direct",)

    async def sock_connect(self, net: Any, sock: Any, sockaddr: Any, timeout_at: float | None = None) -> Any:
        """Connect the socket, or close it."""
        try:
            return await super().sock_connect(net, sock, sockaddr, timeout_at=timeout_at)
        except BaseException:
            sock.close()
            raise
