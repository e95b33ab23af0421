"""Celery's application class, with connections that begin at a node that works."""

from __future__ import annotations

from typing import Any

from celery import Celery
from kombu.connection import Connection

from polder.broker import tls
from polder.broker.connect import transport_options
from polder.configuration.nodes import Nodes


class ClusterCelery(Celery):
    """`url` may name several nodes. Celery alone would begin every connection of every process at
    the first one."""

    def __init__(self, main: str, url: str, **options: Any) -> None:
        """Raises WrongAddress."""
        self.nodes = Nodes(url)
        super().__init__(main, broker=self.nodes.url(), **options)
        self.conf.broker_use_ssl = tls.options(self.nodes.authority)

    def connection_for_read(self, url: str | None = None, **options: Any) -> Connection:
        connection: Connection = super().connection_for_read(
            url or self.nodes.url(), **self._in_turn(options)
        )
        return connection

    def connection_for_write(self, url: str | None = None, **options: Any) -> Connection:
        connection: Connection = super().connection_for_write(
            url or self.nodes.url(), **self._in_turn(options)
        )
        return connection

    def connection(self, hostname: str | None = None, **options: Any) -> Connection:
        return self.connection_for_write(hostname, **options)

    def _in_turn(self, options: dict[str, Any]) -> dict[str, Any]:
        return options | {
            "failover_strategy": self.nodes.turns,
            "transport_options": transport_options(),
        }
