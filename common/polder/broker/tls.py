"""TLS to RabbitMQ that proves who the other side is: a certificate of an authority that is trusted,
for the host that was asked for.

kombu's own transport checks no certificate at all for an `amqps://` URL unless it is told to, and a
host name only for the first node of several. So whatever connects in a process of ours, connects by
this one.
"""

from __future__ import annotations

import ssl
from typing import Any, Final

from polder.seams.amqp import SSLTransport, use_transport

SCHEME: Final = "amqps"


class ProvenTransport(SSLTransport):
    def establish_connection(self) -> Any:
        client: Any = self.client
        connect: Any = super().establish_connection
        host = client.hostname
        given = client.ssl if isinstance(client.ssl, dict) else {}
        # Anew each time: kombu takes the same client on to the next node.
        client.ssl = {
            "ca_certs": given.get("ca_certs"),
            "cert_reqs": ssl.CERT_REQUIRED,
            "server_hostname": host,
        }
        try:
            return connect()
        finally:
            # for `localhost` kombu has put its address there, for which there is no certificate
            client.hostname = host


def options(authority: str | None) -> dict[str, Any]:
    """The `ssl` argument of a kombu connection; `authority` is a file of certificates, None means
    the system's."""
    return {"ca_certs": authority} if authority else {}


use_transport(SCHEME, ProvenTransport)
