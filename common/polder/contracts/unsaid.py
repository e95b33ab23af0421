"""What a schema does not tell of how its event is read, found by trying: validators are code, and
no schema has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from polder.contracts.compatibility import Breaks, Change
from polder.contracts.decode import Unreadable, decode
from polder.contracts.event import Event
from polder.contracts.examples import example_of
from polder.contracts.json_schema import EXCEPTIONS, Schema, schema_of
from polder.contracts.samples import WHOLE, samples

REFUSED, TAKEN = "read otherwise", "read as it is said"
_PLACE = re.compile(r"\[\d+\]")


def told(kind: type[Event]) -> Schema:
    """The schema of the event as it is published: with the values of `data` that fit it and that
    this code does not take as they are said, if there are any. Raises NoExample."""
    schema, example = schema_of(kind), example_of(kind)
    exceptions = [
        what for what, data in samples(schema, example) if _not_taken(kind, example, data)
    ]
    return schema | ({EXCEPTIONS: exceptions} if exceptions else {})


def changes(kind: type[Event], before: Schema, example: Any) -> Iterator[Change]:
    """What the code takes no longer as it is said, or only since now, though the schema is the
    same; `before` is what was published, with its example. One change for each member."""
    if what := read_otherwise(example):
        yield Change("data", REFUSED, what, Breaks.NEW_READERS)
        return
    known, seen = before.get(EXCEPTIONS, []), set()
    for what, data in samples(before, example):
        why = _not_taken(kind, example, data)
        member = _PLACE.sub("[]", what.partition(" is ")[0])
        path = "data" if what == WHOLE else f"data.{member}"
        if bool(why) is (what in known) or path in seen:
            continue
        seen.add(path)
        if why:
            yield Change(path, REFUSED, f"{what}: {why}", Breaks.NEW_READERS)
        else:
            yield Change(path, TAKEN, f"{what}: is taken as it is said", Breaks.OLD_READERS)


def _not_taken(kind: type[Event], example: Any, data: Any) -> str:
    """Why not; empty when the code reads what is said."""
    state: Any = kind.model_fields["data"].annotation
    try:
        subject = state.model_validate(data, extra="ignore").subject
    except ValidationError as error:
        return "; ".join(one["msg"] for one in error.errors(include_url=False))
    except ValueError as error:
        return str(error)
    return read_otherwise({**example, "subject": subject, "data": data})


def read_otherwise(example: Any) -> str:
    """What the code makes of an event of its own version that its schema does not tell; empty when
    it reads what was said."""
    try:
        again = json.loads(decode(json.dumps(example).encode()).encode())
    except Unreadable as error:
        return f"it is no longer read: {error}"
    return next(_lost("data", example["data"], again["data"]), "")


def _lost(path: str, said: Any, read: Any) -> Iterator[str]:
    """Members that are said and not read so."""
    if isinstance(said, dict) and isinstance(read, dict):
        for name, value in said.items():
            yield from _lost(f"{path}.{name}", value, read.get(name))
    elif isinstance(said, list) and isinstance(read, list) and len(said) == len(read):
        for one, other in zip(said, read, strict=True):
            yield from _lost(f"{path}[]", one, other)
    elif said != read:
        yield f"{path}, written as {said!r}, is read as {read!r}"
