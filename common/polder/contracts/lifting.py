"""Whether the upcasts lead from every version that was ever published to the one that the code
knows, with whatever anybody may have written in it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from pydantic import ValidationError

from polder.contracts.decode import Unreadable, decode, summary
from polder.contracts.event import Event
from polder.contracts.json_schema import EXCEPTIONS, Schema, schema_of
from polder.contracts.published import Version
from polder.contracts.readings import digest
from polder.contracts.samples import samples
from polder.contracts.shapes import bare
from polder.contracts.upcasts import lift, registered, step

WAYS_OUT = {
    "upcast missing": "write @upcast(..., from_version={before}) for the class that names `data`; "
    "or lower schema_version, if {after} was never published",
    "upcast unreachable": "take it away, or correct its class or from_version",
    "upcast not total": "let the upcasts from version {before} on take all that it allows",
    "upcast loses": "let the upcasts from version {before} on hand it on: {{**data, ...}}",
    "upcast changed": "let the upcast from version {before} make what it made; what is meant "
    "otherwise is a new version",
    "undecodable": "let the upcasts from version {before} on read it, or the code as it was",
}


class BadUpcast(NamedTuple):
    """`event` is of whom, `rule` one of those above."""

    event: str
    rule: str
    what: str
    version: int  # from which the upcast leads, or would

    @property
    def way_out(self) -> str:
        return WAYS_OUT[self.rule].format(before=self.version, after=self.version + 1)


def missing(kind: type[Event]) -> Iterator[BadUpcast]:
    """Steps that nobody registered."""
    for version in range(1, kind.schema_version):
        try:
            step(kind, version)
        except KeyError:
            yield BadUpcast(
                f"{kind.service}.{kind.__name__}",
                "upcast missing",
                f"nothing lifts version {version} to {version + 1}",
                version,
            )


def unreachable(kinds: Mapping[Any, type[Event]]) -> Iterator[BadUpcast]:
    """Registered steps that no event ever takes: from a version that is none, or hidden by the
    steps of all subclasses."""
    taken = {
        (base, version)
        for kind in kinds.values()
        for version in range(1, kind.schema_version)
        if (base := _origin(kind, version))
    }
    for (owner, version), function in registered().items():
        if (owner, version) not in taken:
            what = f"no event takes {function.__name__}, which leads from version {version}"
            yield BadUpcast(owner.__name__, "upcast unreachable", what, version)


def _origin(kind: type[Event], version: int) -> type | None:
    return next((base for base in kind.__mro__ if (base, version) in registered()), None)


def not_total(
    kind: type[Event],
    version: int,
    schema: Schema,
    example: Any,
    subjects: Mapping[str, str] = {},
) -> Iterator[BadUpcast]:
    """What somebody may have written in that version and what the code cannot read today; of what
    fails alike, the first. `subjects` are those that stand around the samples."""
    name, seen = f"{kind.service}.{kind.__name__}", {""}
    refused = set(schema.get(EXCEPTIONS, []))  # by the code of then, so nobody wrote it
    for sample, data, parts in samples(schema, example):
        if sample in refused or refused.intersection(parts):
            continue
        around = example | {"subject": subjects.get(digest(data))}
        if reason := _unreadable(kind, version, around, copy.deepcopy(data)):
            refused.add(sample)
        if reason not in seen:
            seen.add(reason)
            what = f"version {version}, {sample}: {reason}"
            yield BadUpcast(name, "upcast not total", what, version)


def _unreadable(kind: type[Event], version: int, around: Mapping[str, Any], data: Any) -> str:
    state: Any = kind.model_fields["data"].annotation
    try:
        read = state.model_validate(lift(kind, data, version=version), extra="ignore")
        subject = around["subject"] or read.subject
        kind.model_validate({**around, "subject": subject, "data": read})
    except ValidationError as error:
        return summary(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def changed(
    kind: type[Event], number: int, schema: Schema, example: Any, lifts: Mapping[str, str]
) -> Iterator[BadUpcast]:
    """What the upcast to the next version no longer makes of a sample as it did when `lifts` was
    published; the first."""
    for sample, data, _ in samples(schema, example):
        if before := lifts.get(digest(data)):
            with suppress(Exception):  # `not_total` says it
                if digest(step(kind, number)(copy.deepcopy(data))) != before:
                    what = f"version {number}, {sample}: is lifted to something else than before"
                    yield BadUpcast(
                        f"{kind.service}.{kind.__name__}", "upcast changed", what, number
                    )
                    return


def losing(
    kind: type[Event], number: int, schemas: Mapping[Version, Schema], example: Any
) -> Iterator[BadUpcast]:
    """Members that every version from that one to the present has alike, that somebody may have
    said, and that the upcasts do not hand on: readers would take the default for what was said."""
    version = Version(kind.service, kind.__name__, number)
    between = [version._replace(number=one) for one in range(number, kind.schema_version)]
    there = [schemas[one] for one in between if one in schemas] + [schema_of(kind)]
    members = [(root["properties"]["data"]["properties"], root) for root in there]
    for name in sorted(_not_handed_on(kind, number, there[0], example)):
        shapes = [bare(found.get(name), root) for found, root in members]
        if shapes.count(shapes[0]) == len(shapes):
            what = f"version {number}, {name}: is said, and not in what is made of it"
            yield BadUpcast(f"{kind.service}.{kind.__name__}", "upcast loses", what, number)


def _not_handed_on(kind: type[Event], number: int, schema: Schema, example: Any) -> set[str]:
    """Members that are said as something else than what readers take without them; without what is
    required they take nothing."""
    state: Any = kind.model_fields["data"].annotation
    now = schema_of(kind)["properties"]["data"]
    found: set[str] = set()
    for sample, data, parts in samples(schema, example):
        if parts or sample in schema.get(EXCEPTIONS, []):
            continue
        with suppress(Exception):  # `not_total` says it
            lifted = lift(kind, copy.deepcopy(data), version=number)
            for name, field in state.model_fields.items():
                said = field.alias or name
                default = now["properties"][said].get("default", ...)
                if not lifted.keys() & {said, name} and said not in now.get("required", []):
                    found |= {said} if data.get(said, default) != default else set()
    return found


def undecodable(version: Version, example: Any) -> Iterator[BadUpcast]:
    """Whether the example of a version is still read, through its upcasts."""
    try:
        decode(json.dumps(example).encode())
    except Unreadable as error:
        name = f"{version.service}.{version.event}"
        what = f"the example of version {version.number} is not read: {error.reason}: {error}"
        yield BadUpcast(name, "undecodable", what, version.number)
