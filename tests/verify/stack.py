"""The stack to verify: the variables that say where it is, and whether its servers answer."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from amqp.exceptions import AMQPError

from tests.blackbox.broker import broker_connection
from tests.blackbox.shop import OWNERS

NEEDED = ("AMQP_URL", *(f"{owner.upper()}_DATABASE_URL" for owner in OWNERS))
SECONDS = 10


class NoStack(Exception):
    """There is nothing to verify; the text says what to do about it."""


def variables(path: Path) -> dict[str, str]:
    """Those of a file like `.run/stack.env`. Raises NoStack when it is not there or lacks one that
    is needed."""
    if not path.exists():
        raise NoStack(
            f"There is no {path}. Start a stack with `make up`, or name the file of another one: "
            "make verify env=path/to/stack.env"
        )
    lines = (shlex.split(line, comments=True) for line in path.read_text().splitlines())
    found = dict(word.split("=", 1) for words in lines for word in words if "=" in word)
    if missing := [name for name in NEEDED if not found.get(name)]:
        raise NoStack(f"{path} does not say {', '.join(missing)}.")
    return found


def unreachable(found: dict[str, str]) -> Iterator[str]:
    """Each server that does not answer, and why."""
    for owner in OWNERS:
        url = found[f"{owner.upper()}_DATABASE_URL"]
        try:
            psycopg.connect(url, connect_timeout=SECONDS).close()
        except psycopg.OperationalError as error:
            yield f"the database of {owner} at {_place(url)}: {str(error).strip().splitlines()[-1]}"
    try:
        with broker_connection(found["AMQP_URL"], SECONDS) as connection:
            connection.connect()
    except (OSError, AMQPError) as error:
        yield f"the broker at {_place(found['AMQP_URL'])}: {error}"


def _place(url: str) -> str:
    """Without user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or '(default port)'}{parts.path}"
