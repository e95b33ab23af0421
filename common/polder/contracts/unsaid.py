"""What a schema does not tell of how its event is read, found by trying: validators are code, and
no schema has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from polder.contracts.compatibility import Breaks, Change
from polder.contracts.decode import Unreadable, decode
from polder.contracts.event import Event, State
from polder.contracts.examples import example_of
from polder.contracts.json_schema import (
    EXCEPTIONS,
    NOW_TRIED,
    TRIED,
    Schema,
    in_order,
    schema_of,
    without_null,
)
from polder.contracts.readings import digest
from polder.contracts.samples import MOMENTS, WHOLE, Sample, samples

REFUSED, TAKEN, KEY = "read otherwise", "read as it is said", "key changed"
_CHOICE = re.compile(r"<\w*>")
_PLACE = re.compile(r"\[\d+\]")


def told(kind: type[Event]) -> Schema:
    """The schema of the event as it is published: with the values of `data` that fit it and that
    this code does not take as they are said, if there are any. Raises NoExample."""
    schema, example = schema_of(kind) | {TRIED: NOW_TRIED}, example_of(kind)
    exceptions: dict[str, None] = {}
    for sample in samples(schema, example):
        if not exceptions.keys() & sample.parts and _not_taken(kind, schema, example, sample):
            exceptions[sample.what] = None
    exceptions |= {what: None for what, why in _times(example) if why}
    return schema | ({EXCEPTIONS: [*exceptions]} if exceptions else {})


def changes(
    kind: type[Event], before: Schema, example: Any, subjects: Mapping[str, str] = {}
) -> Iterator[Change]:
    """What the code takes no longer as it is said, or only since now, though the schema is the
    same; `before` is what was published, with its example and the subjects of its samples. One
    change for each member."""
    if what := read_otherwise(example):
        yield Change("data", REFUSED, what, Breaks.NEW_READERS)
        return
    known, seen = before.get(EXCEPTIONS, []), set()
    refused = set(known)
    for what, why in _times(example) if before.get(TRIED, 0) >= 3 else ():
        if bool(why) is not (what in known):
            breaks = Breaks.NEW_READERS if why else Breaks.OLD_READERS
            yield Change("time", REFUSED if why else TAKEN, f"{what}: {why or TAKEN}", breaks)
            break
    for sample in samples(before, example):
        what = sample.what
        if refused.intersection(sample.parts):
            continue  # one of them is not taken by itself
        if why := _not_taken(kind, before, example, sample, subjects):
            refused.add(what)
        member = _CHOICE.sub("", _PLACE.sub("[]", what.partition(" is ")[0]))
        path = "data" if what == WHOLE else f"data.{member}"
        rule = REFUSED
        if why and not _not_taken(kind, before, example, sample):
            path, rule = "subject", KEY
        if bool(why) is (what in known) or path in seen:
            continue
        seen.add(path)
        if why:
            yield Change(path, rule, f"{what}: {why}", Breaks.NEW_READERS)
        else:
            yield Change(path, TAKEN, f"{what}: is taken as it is said", Breaks.OLD_READERS)


def _not_taken(
    kind: type[Event],
    schema: Schema,
    example: Any,
    sample: Sample,
    subjects: Mapping[str, str] = {},
) -> str:
    """Why not; empty when the code reads what is said, of the aggregate that it was said of."""
    model: Any = kind.model_fields["data"].annotation
    try:
        state = model.model_validate(sample.data, extra="ignore")
        subject = state.subject
    except ValidationError as error:
        return "; ".join(one["msg"] for one in error.errors(include_url=False))
    except Exception as error:  # of a validator's
        return f"{type(error).__name__}: {error}"
    said = sample.data
    if schema.get(TRIED, 0) >= 3:
        said = _filled(schema["properties"]["data"], said, schema)
    if sample.parts:  # there are many, and what is around `data` was tried with each part
        again = state.model_dump(mode="json", by_alias=True, exclude_none=True)
        return _differing(state, said, again)
    subject = subjects.get(digest(sample.data), subject)
    return read_otherwise({**example, "subject": subject, "data": sample.data}, said)


def _times(example: Any) -> Iterator[tuple[str, str]]:
    """Times of the event itself, each with what is made of it if that is something else."""
    for moment in MOMENTS:
        why = ""
        try:
            event = decode(json.dumps({**example, "time": moment}).encode())
            if (read := json.loads(event.encode())["time"]) != moment:
                why = f"is read as {read}"
        except Unreadable as error:
            why = f"it is no longer read: {error}"
        yield f"/time is {moment}", why


def _filled(node: Schema, value: Any, root: Schema) -> Any:
    """What is said, with the defaults of what is left out."""
    node, _ = without_null(node, root)
    if isinstance(value, dict) and "properties" in node:
        members = node["properties"]
        defaults = {name: one["default"] for name, one in members.items() if "default" in one}
        return defaults | {
            name: _filled(members.get(name, {}), one, root) for name, one in value.items()
        }
    if isinstance(value, list) and isinstance(inner := node.get("items"), dict):
        return [_filled(inner, one, root) for one in value]
    return value


def read_otherwise(example: Any, said: Any = None) -> str:
    """What the code makes of an event of its own version that its schema does not tell; empty when
    it reads what was said, which is `data` unless `said` has more."""
    try:
        event = decode(json.dumps(example).encode())
    except Unreadable as error:
        return f"it is no longer read: {error}"
    said = example["data"] if said is None else said
    return _differing(event.data, said, json.loads(event.encode())["data"])


def _differing(state: State, said: Any, read: Any) -> str:
    """The first of them; a set has no order to be read in."""
    found = lost("data", in_order(state, said), in_order(state, read))
    return next(
        (f"{path}, written as {one!r}, is read as {other!r}" for path, one, other in found), ""
    )


def lost(path: str, said: Any, read: Any) -> Iterator[tuple[str, Any, Any]]:
    """Members that are said and not read so, with what is read."""
    if isinstance(said, dict) and isinstance(read, dict):
        for name, value in said.items():
            yield from lost(f"{path}.{name}", value, read.get(name))
    elif isinstance(said, list) and isinstance(read, list) and len(said) == len(read):
        for one, other in zip(said, read, strict=True):
            yield from lost(f"{path}[]", one, other)
    elif said != read:
        yield path, said, read
