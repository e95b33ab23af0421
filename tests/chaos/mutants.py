"""Mutants: real events with something broken, at random by a seed. None of them is an event in its
own right."""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from polder.contracts.decode import Unreadable, decode

LARGEST = 900_000  # bytes; the broker takes no message above 1 MiB


class Mutant(NamedTuple):
    """A message that nobody of ours would send; `how` names what was done to it."""

    how: str
    body: bytes
    content_type: str | None
    headers: dict[str, Any]


Mutation = Callable[[random.Random, bytes], bytes]


def _flip(chance: random.Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(chance: random.Random, body: bytes) -> bytes:
    return body[: chance.randrange(len(body))]


def _splice(chance: random.Random, body: bytes) -> bytes:
    start, end = sorted((chance.randrange(len(body)), chance.randrange(len(body))))
    return body[:start] + chance.randbytes(chance.randint(0, 40)) + body[end:]


def _repeat_a_piece(chance: random.Random, body: bytes) -> bytes:
    start, end = sorted((chance.randrange(len(body)), chance.randrange(len(body))))
    return (body[:end] + body[start:end] * chance.randint(1, 50) + body[end:])[:LARGEST]


def _odd_value(chance: random.Random, body: bytes) -> bytes:
    """One value anywhere in it replaced by one that no contract foresees."""
    event = json.loads(body)
    places = list(_places(event))
    holder, name = chance.choice(places)
    holder[name] = chance.choice(ODD)(chance)
    return json.dumps(event).encode("utf-8", "surrogatepass")


def _lost_member(chance: random.Random, body: bytes) -> bytes:
    event = json.loads(body)
    holder, name = chance.choice(list(_places(event)))
    del holder[name]
    return json.dumps(event).encode()


def _twice_the_member(chance: random.Random, body: bytes) -> bytes:
    name, value = chance.choice(list(json.loads(body).items()))
    return (
        b'{"%s": %s, '
        % (name.encode(), json.dumps(chance.choice(ODD)(chance)).encode("utf-8", "surrogatepass"))
        + body[1:-1]
        + (b', "%s": %s}' % (name.encode(), json.dumps(value).encode()))
    )


def _raw_token(chance: random.Random, body: bytes) -> bytes:
    """A token in place of a number that JSON does not know, or that no machine can hold."""
    token = chance.choice(
        [b"NaN", b"-Infinity", b"1e400", b"-0", b"01", b"9" * 5_000, b"0x10", b"\x00", b"'"]
    )
    return body.replace(
        b'"aggregateversion":' + str(json.loads(body)["aggregateversion"]).encode(),
        b'"aggregateversion":' + token,
    )


def _foreign(chance: random.Random, body: bytes) -> bytes:
    return chance.choice(
        [
            b"",
            b"null",
            b"[]",
            b"[" * chance.randint(1, 100_000),
            b'{"a":' * chance.randint(1, 10_000),
            pickle.dumps({"task": "apply_events", "args": [body]}),
            body.decode().encode("utf-16"),
            chance.randbytes(chance.randint(1, 2_000)),
            b'{"type": "' + b"x" * chance.randint(1, 20_000) + b'"}',
            json.dumps([json.loads(body)] * chance.randint(1, 5)).encode(),
        ]
    )


MUTATIONS: Sequence[Mutation] = (
    *(_flip, _cut, _splice, _repeat_a_piece),
    *(_odd_value, _odd_value, _odd_value, _lost_member, _twice_the_member, _raw_token, _foreign),
)
ODD: Sequence[Callable[[random.Random], Any]] = (
    lambda chance: None,
    lambda chance: True,
    lambda chance: chance.choice([-1, 0, 2**31, 2**63, 2**64, 10**30]),
    lambda chance: chance.random() * 10 ** chance.randint(-300, 300),
    lambda chance: chance.choice(
        [
            "",
            "\x00",
            "\ud800",
            "é" * 600,
            "x" * 20_000,
            "' OR 1=1 --",
            "0190a6e0",
            "2026-11-24T24:61:61Z",
            "\u202e",
        ]
    ),
    lambda chance: str(uuid4()),
    lambda chance: [],
    lambda chance: {},
    lambda chance: [[[[[[]]]]]] * chance.randint(1, 100),
    lambda chance: {str(number): number for number in range(chance.randint(1, 1_000))},
    lambda chance: "1" * chance.randint(1, 5_000),
    lambda chance: chance.choice(
        [
            "OrderTeleported",
            "StockReserved",
            "order/OrderCreated/2",
            "/inventory",
            "text/xml",
            "10889-01-01T00:00:00Z",
        ]
    ),
)
CONTENT_TYPES = (
    "application/cloudevents+json",
    "application/json",
    "application/x-python-serialize",
    "text/plain; charset=utf-16",
    "",
    None,
)
HEADERS: Sequence[dict[str, Any]] = (
    {},
    {},
    {},
    {"task": "apply_events", "id": "x", "lang": "py"},
    {"x-delivery-count": 10**9},
    {"x-delivery-count": "many"},
    {"x-first-death-queue": "q" * 200, "x-death": "no list"},
    {"x-death": [{"queue": 5}]},
    {"retries": -1, "eta": "tomorrow", "expires": "yesterday"},
)


def mutants(seed: int, originals: Sequence[bytes]) -> Iterator[Mutant]:
    """Without end, the same ones for the same seed and originals. What came out as an event of its
    own is left out: nobody could tell it from a true one."""
    chance = random.Random(seed)
    while True:
        original, mutation = chance.choice(originals), chance.choice(MUTATIONS)
        body = mutation(chance, original)
        if len(body) <= LARGEST and not _is_another_event(body, original):
            yield Mutant(
                mutation.__name__.strip("_"),
                body,
                chance.choice(CONTENT_TYPES),
                chance.choice(HEADERS),
            )


def _is_another_event(body: bytes, original: bytes) -> bool:
    """Whether it is readable and says something that the original did not: under another id, or for
    a higher version or another subject."""
    try:
        event = decode(body)
    except Unreadable:
        return False
    true = json.loads(original)
    return event.id != UUID(true["id"])


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (holder, name or index) in a JSON document."""
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for name, inner in list(items):
        yield value, name
        yield from _places(inner)
