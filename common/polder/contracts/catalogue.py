"""What there is to subscribe to, for people: each event with its members and what they mean, its
versions, an example, who publishes it, and who reads what."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from polder.contracts.described import type_of
from polder.contracts.json_schema import Schema, without_null
from polder.contracts.published import Published, Version


class Member(NamedTuple):
    """One member of `data`, or of what is around it. `readers` are the replicas that keep it."""

    name: str  # `products[].price.amount`
    type: str
    meaning: str
    default: str  # as JSON; empty where it is never left out
    readers: tuple[str, ...] = ()


class Reader(NamedTuple):
    """A replica of the events' aggregate."""

    service: str
    replica: str
    members: tuple[str, ...]
    reconcilers: tuple[str, ...]


class Entry(NamedTuple):
    """One event in its newest version."""

    service: str
    event: str
    aggregate: str
    meaning: str
    versions: tuple[int, ...]
    members: tuple[Member, ...]
    around: tuple[Member, ...]
    example: str
    readers: tuple[Reader, ...]

    @property
    def subscribers(self) -> list[str]:
        return sorted({reader.service for reader in self.readers})

    @property
    def newest(self) -> int:
        return self.versions[-1]


def entries(published: Published) -> list[Entry]:
    """By service, aggregate and event."""
    found = [_entry(published, version) for version in published.newest()]
    return sorted(found, key=lambda one: (one.service, one.aggregate, one.event))


def _entry(published: Published, version: Version) -> Entry:
    schema = published.schemas[version]
    members: Mapping[str, Schema] = schema["properties"]
    aggregate = str(members["aggregatetype"].get("const", ""))
    readers = tuple(_readers(published.reads, f"{version.service}.{aggregate}"))
    around = {name: member for name, member in members.items() if name != "data"}
    example = published.examples.get(version)
    return Entry(
        version.service,
        version.event,
        aggregate,
        str(schema.get("description", "")),
        tuple(one.number for one in published.schemas if one[:2] == version[:2]),
        tuple(_members(members["data"], schema, readers)),
        tuple(_members({"properties": around}, schema, ())),
        json.dumps(example, indent=2, ensure_ascii=False) if example else "",
        readers,
    )


def _readers(reads: Mapping[str, Any], aggregate: str) -> Iterator[Reader]:
    for service, of_service in sorted(reads.items()):
        for one in of_service["replicas"]:
            if one["of"] == aggregate:
                members = tuple(sorted(set(one["fields"].values())))
                yield Reader(service, one["replica"], members, tuple(one["reconcilers"]))


def _members(
    node: Schema, root: Schema, readers: tuple[Reader, ...], before: str = ""
) -> Iterator[Member]:
    for name, said in node.get("properties", {}).items():
        path = f"{before}{name}"
        inner, is_nullable = without_null(said, root)
        yield Member(
            path,
            type_of(inner, root) + (" or null" if is_nullable else ""),
            str(inner.get("description", "")),
            json.dumps(said["default"]) if "default" in said else "",
            tuple(one.replica for one in readers if path == "retired" or _keeps(one, path)),
        )
        items, mark = inner, "."
        if inner.get("type") == "array":
            items, mark = without_null(inner.get("items", {}), root)[0], "[]."
        if path.count(".") < 8:  # a state that holds itself ends somewhere
            yield from _members(items, root, readers, f"{path}{mark}")


def _keeps(reader: Reader, path: str) -> bool:
    """Whether it keeps the member, or all that the member is part of."""
    plain = f"{path.replace('[]', '')}."
    return any(plain.startswith(f"{member}.") for member in reader.members)
