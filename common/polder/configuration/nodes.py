"""The nodes of a RabbitMQ cluster, as a URL names them, and which of them this process turns to
next."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from polder.configuration.kinds import Kind, NotLegal

SEPARATOR = ";"  # kombu's own
LONGEST_NAME = 255  # bytes, of AMQP's short strings
CA = "cacertfile"  # the one option of a URL that is obeyed; RabbitMQ's own clients call it so


class WrongAddress(NotLegal):
    """A URL of RabbitMQ that nobody could connect by. Its message repeats nothing of the URL but
    option names."""


def node_urls(url: str, schemes: Sequence[str] = ("amqp", "amqps")) -> list[str]:
    """`amqp://u:p@one/shop;amqp://u:p@two/shop` -> one URL for each node. Raises WrongAddress."""
    urls = [part.strip() for part in url.split(SEPARATOR)]
    for number, one in enumerate(urls, start=1):
        if problem := _problem(one, schemes) or _difference(one, urls[0]):
            raise WrongAddress(
                f"node {number} of {len(urls)}: {problem}" if len(urls) > 1 else problem
            )
    return urls


def _problem(url: str, schemes: Sequence[str]) -> str:
    scheme, separator, rest = url.partition("://")
    place = re.split("[/?#]", rest, maxsplit=1)[0]
    legal = " or ".join(f"{name}://" for name in schemes)
    if not separator or scheme not in schemes:
        return f"does not begin with {legal} (a ; in a password is written %3B)"
    if any(character.isspace() or not character.isprintable() for character in url):
        return "holds a blank or a control character; in a password it is percent-encoded (%20)"
    if (
        "#" in rest
        or "@" in rest[len(place) :]
        or place.count("@") > 1
        or place.rpartition("@")[0].count(":") > 1
    ):
        return (
            "has a character in user, password or path that is percent-encoded there: # %23, @ "
            "%40, : %3A, / %2F, ? %3F"
        )
    if re.search(r"%(?![0-9A-Fa-f]{2})", rest):
        return "has a % that begins no percent-encoding: a % itself is written %25"
    try:
        unquote(rest, errors="strict")
    except UnicodeDecodeError:
        return "has a percent-encoding that is no UTF-8"
    try:
        port, host = urlsplit(url).port, urlsplit(url).hostname
    except ValueError:
        return (
            "has no legal host or port (an IPv6 address stands in [ ], a port is a number from 1 "
            "to 65535)"
        )
    if port == 0 or place.endswith(":"):
        return "has no legal port: a number from 1 to 65535"
    if not host or "," in place.rpartition("@")[2]:
        return (
            "has no host, or more than one: each node has a whole URL of its own, with ; between "
            "them"
        )
    if "%00" in rest or len(vhost(url).encode()) > LONGEST_NAME:
        return f"has a %00, or a vhost of more than {LONGEST_NAME} bytes"
    return _identity(url) or _options(url)


def _identity(url: str) -> str:
    parts = urlsplit(url)
    missing = [
        name
        for name, value in (("user", parts.username), ("password", parts.password))
        if not value
    ]
    return f"names no {' and no '.join(missing)}" if missing else ""


def _options(url: str) -> str:
    """Clients would pass over most of them in silence."""
    query = urlsplit(url).query
    try:
        options = (
            [name for name, _ in parse_qsl(query, keep_blank_values=True, strict_parsing=True)]
            if query
            else []
        )
    except ValueError:
        return "has options that are not written ?name=value"
    if refused := [name for name in options if name != CA]:
        readable = [name for name in refused if re.fullmatch("[a-z_-]{1,40}", name)]
        return f"has options that are not obeyed: {', '.join(readable) or 'unreadable ones'}"
    if len(options) > 1:
        return f"has {CA} twice"
    if options and urlsplit(url).scheme in ("amqp", "http"):
        return f"has {CA} and no TLS to use it for (amqps://, https://)"
    return ""


def _difference(url: str, first: str) -> str:
    """Queues, permissions and the broker user belong to the cluster: its nodes differ in nothing
    but their address."""
    one, other = urlsplit(url), urlsplit(first)
    names = ("scheme", "username", "password", "path", "query")
    differing = [name for name in names if getattr(one, name) != getattr(other, name)]
    return f"its {' and '.join(differing)} differs from the first node's" if differing else ""


def credentials(url: str) -> tuple[str, str]:
    """User and password of a URL, which all nodes that it names share."""
    parts = urlsplit(url.partition(SEPARATOR)[0])
    return unquote(parts.username or ""), unquote(parts.password or "")


def vhost(amqp_url: str) -> str:
    """As kombu reads it: what follows the first /, and `/` when nothing does."""
    return unquote(urlsplit(amqp_url.partition(SEPARATOR)[0]).path.removeprefix("/")) or "/"


def authority(url: str) -> str | None:
    """The file of certificates that the URL names."""
    return dict(parse_qsl(urlsplit(url.partition(SEPARATOR)[0]).query)).get(CA)


def with_authority(url: str, file: str | None) -> str:
    """The URL, naming the file for each of its nodes. Raises WrongAddress when it names one
    already, or has no TLS."""
    if not file:
        return url
    if authority(url):
        raise WrongAddress(f"has {CA} already")
    if not url.startswith(("amqps://", "https://")):
        raise WrongAddress("has no TLS to use it for (amqps://, https://)")
    return SEPARATOR.join(
        f"{one.strip()}?{CA}={quote(file, safe='')}" for one in url.split(SEPARATOR)
    )


def _read(url: str) -> str:
    return SEPARATOR.join(node_urls(url))


def management_urls(url: str) -> list[str]:
    """As `node_urls`, for the management API. Raises WrongAddress."""
    return node_urls(url, ("http", "https"))


def _read_management(url: str) -> str:
    return SEPARATOR.join(management_urls(url))


AMQP = Kind("AMQP URL, or several with `;` between them", _read)
MANAGEMENT = Kind(
    "HTTP URL with user and password, or several with `;` between them", _read_management
)


class Nodes:
    """In the order in which to try them: drawn at random for each process, so that clients spread;
    one that failed goes last.

    So all connections of a process are with one node as long as that one works. Every process is to
    make one of these.
    """

    def __init__(self, url: str) -> None:
        """Raises WrongAddress."""
        # kombu would take options for arguments of its own
        self._urls = [one.partition("?")[0] for one in node_urls(url)]
        self.authority = authority(url)
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
