"""What the code publishes today, beside what was published before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from polder.contracts import asyncapi
from polder.contracts.event import Event
from polder.contracts.examples import example_of
from polder.contracts.published import Published, Version, as_files
from polder.contracts.readings import readings_of
from polder.contracts.unsaid import told


def kinds_of(service: str) -> dict[Version, type[Event]]:
    """The event types that the service publishes, in the versions that the code knows."""
    return {
        Version(service, kind.__name__, kind.schema_version): kind
        for (publisher, _), kind in Event.known.items()
        if publisher == service
    }


def exported(before: Published, service: str, reads: Mapping[str, Any]) -> Published:
    """The folder as it is to be: what this service publishes as the code says, its older versions
    and the other services as they are; `reads` is what each service reads. Raises NoExample."""
    kinds = kinds_of(service)
    schemas = {**before.schemas, **{one: told(kind) for one, kind in kinds.items()}}
    examples = {**before.examples, **{one: example_of(kind) for one, kind in kinds.items()}}
    schemas, examples = dict(sorted(schemas.items())), dict(sorted(examples.items()))
    document = asyncapi.document(schemas, examples, reads)
    readings = {**before.readings}
    for version in schemas:
        kind = Event.known.get((version.service, version.event))
        if version.service == service and kind and version in examples:
            about = schemas[version], examples[version], readings.get(version, {})
            readings[version] = readings_of(kind, version.number, *about)
    return Published(schemas, examples, readings, reads, document)


def differing(before: Published, now: Published) -> Iterator[str]:
    """The files whose content is not what it is to be."""
    was, wanted = as_files(before), as_files(now)
    yield from (name for name in sorted(wanted) if was.get(name) != wanted[name])


def write(folder: Path, before: Published, now: Published) -> list[str]:
    """Writes the files that differ; which."""
    files = as_files(now)
    names = list(differing(before, now))
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[name])
    return names
