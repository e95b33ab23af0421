"""Connections to RabbitMQ."""

from __future__ import annotations

import socket
from typing import Any

from kombu.connection import Connection

from polder.broker import tls
from polder.configuration.nodes import Nodes
from polder.database.connection import identity

HEARTBEAT = 10  # seconds

# seconds; the handshake is four round trips, and kombu's own 4 s are too short for a slow line
CONNECT_TIMEOUT = 10

# py-amqp's own TCP_USER_TIMEOUT of one second cuts a connection at the first short stall.
TRANSPORT_OPTIONS: dict[str, Any] = {
    "socket_settings": {socket.TCP_USER_TIMEOUT: 15_000},
    "read_timeout": 30,
    "write_timeout": 30,
}


DATABASE = "polder_database"  # a property of every connection


def transport_options() -> dict[str, Any]:
    """Each connection says whose it is, by the database that is behind it."""
    return TRANSPORT_OPTIONS | {"client_properties": {DATABASE: identity()}}


def connect(broker: str | Nodes) -> Connection:
    """An open connection with the first node that answers, each asked once. Without
    `confirm_publish`: whoever wants confirms counts them itself. Raises what the last node gave,
    one of `connection_errors`; WrongAddress for a URL that is none."""
    nodes = broker if isinstance(broker, Nodes) else Nodes(broker)
    connection = Connection(
        nodes.url(),
        ssl=tls.options(nodes.authority),
        heartbeat=HEARTBEAT,
        connect_timeout=CONNECT_TIMEOUT,
        transport_options=transport_options(),
        failover_strategy=nodes.turns,
    )
    try:
        # Not `connect()`: that asks two nodes, or one node twice, two seconds apart.
        connection.ensure_connection(max_retries=len(nodes) - 1, reraise_as_library_errors=False)
    except Exception:
        nodes.lost(connection)
        raise
    return connection
