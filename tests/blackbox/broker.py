"""Connections to the shop's broker, by a URL as its services have it."""

from __future__ import annotations

import ssl
from urllib.parse import parse_qsl, urlsplit

from kombu.connection import Connection


def broker_connection(url: str, seconds: float = 10.0) -> Connection:
    """Not open yet. With `amqps://` its first node, which has to prove who it is: kombu alone would
    believe anybody."""
    plain = ";".join(node.strip().partition("?")[0] for node in url.split(";"))
    if not url.startswith("amqps://"):
        return Connection(plain, connect_timeout=seconds)
    first = url.partition(";")[0]
    authority = dict(parse_qsl(urlsplit(first).query)).get("cacertfile")
    proof = {
        "cert_reqs": ssl.CERT_REQUIRED,
        "ca_certs": authority,
        "server_hostname": urlsplit(first).hostname,
    }
    return Connection(plain.partition(";")[0], connect_timeout=seconds, ssl=proof)
