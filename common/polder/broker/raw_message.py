"""Reading a raw AMQP message. Whoever may publish may set any header to anything, so nothing here
trusts a type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def body_of(message: Any) -> bytes:
    """py-amqp gives the body as bytes, but for an empty one."""
    return (
        message.body
        if isinstance(message.body, bytes)
        else str(message.body).encode("utf-8", "surrogatepass")
    )


def delivery_count(headers: Mapping[str, Any]) -> int:
    """How often a quorum queue had the message back."""
    count = headers.get("x-delivery-count")
    return count if isinstance(count, int) else 0


def first_queue(headers: Mapping[str, Any], otherwise: str) -> str:
    """Where a dead-lettered message lay before; `otherwise` when nothing tells.

    The broker puts its own entry first in `x-death`; `x-first-death-queue` it leaves as the
    publisher has set it.
    """
    deaths = headers.get("x-death")
    death = deaths[0] if isinstance(deaths, list) and deaths else None
    queue = death.get("queue") if isinstance(death, Mapping) else headers.get("x-first-death-queue")
    return queue if isinstance(queue, str) else otherwise
