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
from polder.contracts.json_schema import EXCEPTIONS, Schema, in_order, schema_of
from polder.contracts.kept import kept
from polder.contracts.published import Version
from polder.contracts.readings import digest
from polder.contracts.samples import samples
from polder.contracts.unsaid import lost
from polder.contracts.upcasts import changed_by, lift, registered, step

WAYS_OUT = {
    "upcast missing": "write @upcast(..., from_version={before}) for the class that names `data`; "
    "or lower schema_version, if {after} was never published",
    "upcast unreachable": "take it away, or correct its class or from_version",
    "upcast not total": "let the upcasts from version {before} on take all that it allows",
    "upcast loses": "let the upcasts from version {before} on hand it on: {{**data, ...}}; "
    "or name it in @upcast(..., changes=(...)), if it means something else",
    "upcast varies": "make it of `data` alone, without time, chance or what is kept elsewhere",
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


def varying(kind: type[Event], number: int, schema: Schema, example: Any) -> Iterator[BadUpcast]:
    """Whether the upcast to the next version makes the same of the same; the first that it does
    not."""
    for sample, data, parts in samples(schema, example):
        if parts:
            continue
        with suppress(Exception):  # `not_total` says it
            upcast = step(kind, number)
            one, other = (digest(upcast(copy.deepcopy(data))) for _ in range(2))
            if one != other:
                what = f"version {number}, {sample}: is lifted to something else each time"
                yield BadUpcast(f"{kind.service}.{kind.__name__}", "upcast varies", what, number)
                return


def losing(
    kind: type[Event], number: int, schemas: Mapping[Version, Schema], example: Any
) -> Iterator[BadUpcast]:
    """Members that every version from that one to the present has alike, and that the upcasts say
    otherwise than they were said; each once."""
    state: Any = kind.model_fields["data"].annotation
    version = Version(kind.service, kind.__name__, number)
    between = [version._replace(number=one) for one in range(number, kind.schema_version)]
    roots = [schemas[one] for one in between if one in schemas] + [schema_of(kind)]
    meant = {path for one in between for path in changed_by(kind, one.number)}
    found: dict[str, str] = {}
    for sample, data, parts in samples(roots[0], example):
        if parts or sample in roots[0].get(EXCEPTIONS, []):
            continue
        with suppress(Exception):  # `not_total` says it
            lifted = lift(kind, copy.deepcopy(data), version=number)
            nodes = [(root["properties"]["data"], root) for root in roots]
            both = [
                state.model_validate(one, extra="ignore")
                for one in (kept(nodes, data, lifted, meant), lifted)
            ]
            said, read = (in_order(one, one.model_dump(mode="json", by_alias=True)) for one in both)
            for path, one, other in lost("", said, read):
                found.setdefault(path[1:], f"{one!r} is said, and {other!r} is made of it")
    for path, what in sorted(found.items()):
        name = f"{kind.service}.{kind.__name__}"
        yield BadUpcast(name, "upcast loses", f"version {number}, {path}: {what}", number)


def undecodable(version: Version, example: Any) -> Iterator[BadUpcast]:
    """Whether the example of a version is still read, through its upcasts."""
    try:
        decode(json.dumps(example).encode())
    except Unreadable as error:
        name = f"{version.service}.{version.event}"
        what = f"the example of version {version.number} is not read: {error.reason}: {error}"
        yield BadUpcast(name, "undecodable", what, version.number)
