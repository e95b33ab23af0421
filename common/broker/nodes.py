"""The nodes of a RabbitMQ cluster, as a URL names them, and which of them this process turns to next."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit

SEPARATOR = ";"  # kombu's own


class WrongAddress(ValueError):
    """An AMQP URL that nobody could connect by. Its message names no password."""


def node_urls(url: str) -> list[str]:
    """`amqp://u:p@one/shop;amqp://u:p@two/shop` -> one URL for each node. Raises WrongAddress."""
    urls = [part.strip() for part in url.split(SEPARATOR)]
    for number, one in enumerate(urls, start=1):
        if problem := _problem(one) or _difference(one, urls[0]):
            raise WrongAddress(f"node {number} of {len(urls)}: {problem}" if len(urls) > 1 else problem)
    return urls


def _problem(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        return str(error)
    if parts.scheme not in ("amqp", "amqps"):
        return f"it begins with {parts.scheme or 'nothing'}://, not with amqp:// or amqps:// (a ; in a password is written %3B)"
    if not parts.hostname or "," in parts.netloc.rpartition("@")[2]:
        return "it has no host, or more than one: each node has a whole URL of its own, with ; between them"
    return ""


def _difference(url: str, first: str) -> str:
    """Queues, permissions and the broker user belong to the cluster: its nodes differ in nothing but their address."""
    one, other = urlsplit(url), urlsplit(first)
    names = ("scheme", "username", "password", "path")
    differing = [name for name in names if getattr(one, name) != getattr(other, name)]
    return f"its {' and '.join(differing)} differs from the first node's" if differing else ""


class Nodes:
    """In the order in which to try them: drawn at random for each process, so that clients spread; one that failed goes last.

    So all connections of a process are with one node as long as that one works. Every process is to make one of these.
    """

    def __init__(self, url: str) -> None:
        """Raises WrongAddress."""
        self._urls = node_urls(url)
        random.shuffle(self._urls)

    def __len__(self) -> int:
        return len(self._urls)

    def url(self) -> str:
        """All of them, as kombu takes them."""
        return SEPARATOR.join(self._urls)

    def failed(self, url: str) -> None:
        self._urls = [other for other in self._urls if other != url] + [url]

    def lost(self, connection: Any) -> None:
        """A connection made with `turns` broke, or could not be made: its node failed."""
        if isinstance(connection.cycle, _Turns) and connection.cycle.now:
            self.failed(connection.cycle.now)

    def turns(self, urls: Sequence[str]) -> Iterator[str]:
        """kombu's `failover_strategy`: it asks for the next one when the one before has failed."""
        return _Turns(self, urls)


class _Turns(Iterator[str]):
    def __init__(self, nodes: Nodes, urls: Sequence[str]) -> None:
        self._nodes = nodes
        self._urls = cycle(urls)
        self.now = ""

    def __next__(self) -> str:
        if self.now:
            self._nodes.failed(self.now)
        self.now = next(self._urls)
        return self.now
