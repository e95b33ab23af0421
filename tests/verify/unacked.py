"""Messages that a worker holds without an ack (I15), as the broker's management API counts them; it
does so every few seconds only."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from urllib.parse import quote, unquote, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from tests.blackbox.copies import SUBSCRIPTIONS
from tests.invariants import Violation

PATIENCE = 15.0  # seconds: three times what the broker takes to count anew


class NotAsked(Exception):
    """The management API could not be asked; the text says why."""


def unacked(variables: dict[str, str]) -> Iterator[Violation]:
    """At rest: each event queue of which a message is still in a worker's hands. Raises
    NotAsked.
    """
    deadline = time.monotonic() + PATIENCE
    while (held := _held(variables)) and time.monotonic() < deadline:
        time.sleep(1)
    for queue, count in held.items():
        yield Violation("I15", queue, f"{count} messages are held by a worker and not acked")


def _held(variables: dict[str, str]) -> dict[str, int]:
    url = variables.get("RABBITMQ_MANAGEMENT_URL")
    if not url:
        raise NotAsked("there is no RABBITMQ_MANAGEMENT_URL")
    address = urlsplit(url.partition(";")[0])  # of several nodes, each knows all
    vhost = quote(
        unquote(urlsplit(variables["AMQP_URL"].partition(";")[0]).path.removeprefix("/")) or "/",
        safe="",
    )
    credentials = f"{unquote(address.username or '')}:{unquote(address.password or '')}"
    host = f"[{address.hostname}]" if ":" in str(address.hostname) else address.hostname
    place = f"{address.scheme}://{host}:{address.port or 15672}"
    request = Request(f"{place}/api/queues/{vhost}?columns=name,messages_unacknowledged")  # noqa: S310 - the stack says where it is
    request.add_header("Authorization", f"Basic {base64.b64encode(credentials.encode()).decode()}")
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=10) as answer:
            queues = json.loads(answer.read())
    except (OSError, ValueError) as error:
        raise NotAsked(f"{place} does not answer: {error}") from error
    ours = {
        f"{subscriber}.from.{publisher}"
        for subscriber, publishers in SUBSCRIPTIONS.items()
        for publisher in publishers
    }
    return {
        queue["name"]: count
        for queue in queues
        if queue["name"] in ours and (count := queue.get("messages_unacknowledged", 0))
    }
