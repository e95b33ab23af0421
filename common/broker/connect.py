"""Connections to RabbitMQ."""

from __future__ import annotations

import socket
from typing import Any

from kombu.connection import Connection

HEARTBEAT = 10  # seconds

CONNECT_TIMEOUT = 10  # seconds; the handshake is four round trips, and kombu's own 4 s are too short for a slow line

# py-amqp's own TCP_USER_TIMEOUT of one second cuts a connection at the first short stall.
TRANSPORT_OPTIONS: dict[str, Any] = {
    "socket_settings": {socket.TCP_USER_TIMEOUT: 15_000},
    "read_timeout": 30,
    "write_timeout": 30,
}


def connect(url: str) -> Connection:
    """An open connection, without `confirm_publish`: whoever wants confirms counts them itself. Raises its `connection_errors`."""
    connection = Connection(url, heartbeat=HEARTBEAT, connect_timeout=CONNECT_TIMEOUT, transport_options=TRANSPORT_OPTIONS)
    connection.connect()
    return connection
