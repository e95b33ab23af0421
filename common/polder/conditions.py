"""What may be wrong with a service, each named once: /readyz, the gauges of /metrics and the
overview are derived from it.

A package that knows of such a thing registers a function in its own module `conditions`, which is
imported when Django has loaded; it need not know who asks. This module knows nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    OK = "ok"
    WARN = "warn"  # somebody should look; the service does its work
    FAIL = "fail"  # a part of its work is not done


@dataclass(frozen=True)
class Finding:
    """How it is now, in one sentence for people, without anything about a person; since when, where
    that is known."""

    state: State
    sentence: str
    since: datetime | None = None


Looks = Callable[[], Finding]


@dataclass(frozen=True)
class Condition:
    """`runbook` is a heading's anchor in docs/operations.md."""

    name: str
    look: Looks
    runbook: str
    stops_traffic: bool


conditions: dict[str, Condition] = {}


def ok(sentence: str) -> Finding:
    return Finding(State.OK, sentence)


def warn(sentence: str, since: datetime | None = None) -> Finding:
    return Finding(State.WARN, sentence, since)


def fail(sentence: str, since: datetime | None = None) -> Finding:
    return Finding(State.FAIL, sentence, since)


def condition(name: str, *, runbook: str, stops_traffic: bool = False) -> Callable[[Looks], Looks]:
    """Registers a function that looks and returns `ok`, `warn` or `fail`.

    It is called at each look of /readyz, /metrics and the overview, in a transaction of its own;
    all of them together have two seconds: it reads an index, a small table or so many rows and no
    more. What it raises counts as `fail`. `stops_traffic`: a `fail` of it makes /readyz answer 503,
    so that a load balancer asks another process. That helps only where the process cannot answer
    requests at all; anything else is told with 200.
    """

    def register(look: Looks) -> Looks:
        if name in conditions:
            raise ValueError(f"there are two conditions named {name}")
        conditions[name] = Condition(name, look, runbook, stops_traffic)
        return look

    return register


def anchor_of(heading: str) -> str:
    """As GitHub makes it: lower case, without punctuation, a hyphen for each space."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
