"""Services of projects that are none of ours, in the servers of a test."""

from __future__ import annotations

import os
from contextlib import suppress

import psycopg

from polder.broker.management_api import ManagementError
from polder.configuration.nodes import vhost
from tests.library.broker import management


def forgotten(*services: str) -> None:
    """Takes their databases away, and all that they have in the broker."""
    with psycopg.connect(os.environ["ORDER_DATABASE_URL"], autocommit=True) as server:
        for service in services:
            server.execute(f"DROP DATABASE IF EXISTS {service} WITH (FORCE)")  # type: ignore[call-overload]
    api, place = management(), vhost(os.environ["ORDER_AMQP_URL"])
    for kind in ("queues", "exchanges", "policies"):
        for one in api.call("GET", kind, place):
            if one["name"].startswith(tuple(f"{service}." for service in services)):
                api.call("DELETE", kind, place, one["name"])
    for service in services:
        with suppress(ManagementError):  # it is not there when the test came to nothing
            api.call("DELETE", "users", service)
