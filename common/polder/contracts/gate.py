"""The gate: what of a change may not be published, whom it would hurt, and the way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from polder.contracts import lifting, unsaid
from polder.contracts.compatibility import changes, lost_nulls
from polder.contracts.event import Event
from polder.contracts.exporting import kinds_of
from polder.contracts.json_schema import schema_of
from polder.contracts.published import Published, Version
from polder.contracts.readings import LIFTS, SUBJECTS
from polder.contracts.skeleton import deprecation, new_version

CHANGED = "published version changed"


class Problem(NamedTuple):
    """Why a change may not go in. `path` is of a member of the message, empty where it is about an
    event as a whole; `readers` are replicas of other services and what reconciles by them."""

    events: tuple[str, ...]
    path: str
    rule: str
    why: str
    readers: tuple[str, ...] = ()
    way_out: str = ""


def problems(
    service: str, before: Published, files: Published, reads: Mapping[str, Any]
) -> list[Problem]:
    """What is wrong with what `service` publishes by the code of this process, beside what was
    published `before`. `files` are those that are there now; `reads` is what each service reads."""
    kinds = kinds_of(service)
    found = [
        *_lost_versions(service, kinds, before, files, reads),
        *_changed_within(kinds, before, reads),
        *_skipped(kinds, before, files),
        *_gone(service, kinds, before, files),
        *_upcasts(service, kinds, before),
        *_lost_nulls(kinds),
    ]
    return _together(found)


def _changed_within(
    kinds: Mapping[Version, type[Event]], before: Published, reads: Mapping[str, Any]
) -> Iterator[Problem]:
    for version, kind in kinds.items():
        if version not in before.schemas:
            continue
        found = list(changes(before.schemas[version], schema_of(kind)))
        if not found and (example := before.examples.get(version)):
            subjects = before.readings.get(version, {}).get(SUBJECTS, {})
            found = list(unsaid.changes(kind, before.schemas[version], example, subjects))
        for change in found:
            yield Problem(
                (f"{version.service}.{version.event} {version.number}",),
                change.path,
                change.rule,
                f"{change.what}: {change.breaks}",
                tuple(readers(reads, f"{kind.service}.{kind.aggregate}", change.path)),
                new_version(kind, change),
            )


def _gone(
    service: str, kinds: Mapping[Version, type[Event]], before: Published, files: Published
) -> Iterator[Problem]:
    """Where there is nothing to compare with, what else names a file that is not there."""
    for version in files.gone():
        if version.service == service and version not in kinds and version not in before.schemas:
            why = "its file is gone, and events of that version may still wait"
            way_out = f"bring back {version.name}.json as it was"
            yield Problem(
                (f"{service}.{version.event} {version.number}",), "", CHANGED, why, (), way_out
            )


def _skipped(
    kinds: Mapping[Version, type[Event]], before: Published, files: Published
) -> Iterator[Problem]:
    """A version that nobody ever wrote has no schema, and nothing shows that its step is right."""
    for version in kinds:
        of_it = [one for one in before.schemas if one[:2] == version[:2]]
        last = max((one.number for one in of_it), default=version.number)
        for number in range(last + 1, version.number):
            if version._replace(number=number) not in files.schemas:
                name = (f"{version.service}.{version.event} {version.number}",)
                why = f"there is no version {number}: the newest that was published is {last}"
                yield Problem(name, "", "version skipped", why, (), f"schema_version = {last + 1}")


def _lost_versions(
    service: str,
    kinds: Mapping[Version, type[Event]],
    before: Published,
    files: Published,
    reads: Mapping[str, Any],
) -> Iterator[Problem]:
    """Events that waited before are still to be read, so nothing that was published goes away."""
    newest = {version.event: version.number for version in kinds}
    for version in before.schemas:
        if version.service != service:
            continue
        name = (f"{version.service}.{version.event} {version.number}",)
        aggregate = before.schemas[version]["properties"]["aggregatetype"].get("const", "")
        reading = tuple(readers(reads, f"{service}.{aggregate}", ""))
        if version.event not in newest:
            why = "the code knows no such event any more: what waits of it is parked"
            yield Problem(name, "", "event removed", why, reading, deprecation(version.event))
        elif version.number > newest[version.event]:
            why = f"the code knows versions up to {newest[version.event]}"
            way_out = f"raise schema_version to {version.number} again"
            yield Problem(name, "", "version lowered", why, reading, way_out)
        elif version not in kinds and before.schemas[version] != files.schemas.get(version):
            why = "its file was changed or is gone, and events of that version may still wait"
            way_out = f"bring back {version.name}.json as it was"
            yield Problem(name, "", CHANGED, why, reading, way_out)


def _upcasts(
    service: str, kinds: Mapping[Version, type[Event]], before: Published
) -> Iterator[Problem]:
    found: list[lifting.BadUpcast] = list(lifting.unreachable(Event.known))
    for version, kind in kinds.items():
        absent = list(lifting.missing(kind))
        found += absent
        for number in range(1, version.number):
            older = version._replace(number=number)
            if not absent and older in before.schemas and older in before.examples:
                schema, example = before.schemas[older], before.examples[older]
                made = before.readings.get(older, {})
                subjects = made.get(SUBJECTS, {})
                found += lifting.not_total(kind, number, schema, example, subjects)
                found += lifting.changed(kind, number, schema, example, made.get(LIFTS, {}))
                found += lifting.varying(kind, number, schema, example)
                found += lifting.losing(kind, number, before.schemas, example)
                found += lifting.undecodable(older, example)
    for one in found:
        yield Problem((one.event,), "", one.rule, one.what, (), one.way_out)


def _lost_nulls(kinds: Mapping[Version, type[Event]]) -> Iterator[Problem]:
    """A null is left out on the wire: who reads it takes the default."""
    for version, kind in kinds.items():
        for path, default in lost_nulls(schema_of(kind)):
            why = "a null is left out on the wire, and readers then " + (
                f"take {default}" if default else "refuse the event"
            )
            name = (f"{version.service}.{version.event} {version.number}",)
            yield Problem(name, path, "null lost", why, (), "give it the default None")


def readers(reads: Mapping[str, Any], aggregate: str, path: str) -> Iterator[str]:
    """Who reads that member of an aggregate's events, or something in it. All read what is about
    the event as a whole."""
    member = path.removeprefix("data.").replace("[]", "")
    is_in_data = path.startswith("data.") and member != "retired"
    for service, of_service in sorted(reads.items()):
        for one in of_service["replicas"]:
            if one["of"] != aggregate:
                continue
            columns = [
                column
                for column, source in one["fields"].items()
                if not is_in_data or _overlap(str(source), member)
            ]
            if columns or not is_in_data:
                by = ", ".join(one["reconcilers"])
                kept = f" ({', '.join(columns)})" if is_in_data else ""
                yield f"{one['replica']}{kept} in {service}" + (f", watched by {by}" if by else "")


def _overlap(one: str, other: str) -> bool:
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _together(found: Iterable[Problem]) -> list[Problem]:
    """What the events of an aggregate have in common is said once."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for one in found:
        groups.setdefault(tuple(one[1:]), []).extend(one.events)
    return [Problem(tuple(dict.fromkeys(events)), *rest) for rest, events in groups.items()]


def shown(problem: Problem) -> Iterator[str]:
    """In lines, for people."""
    where = f" {problem.path}" if problem.path else ""
    events = ", ".join(problem.events)
    yield f"✗ {events}:{where} {problem.rule}"
    yield f"    {problem.why}"
    if problem.readers:
        yield f"    read by {'; '.join(problem.readers)}"
    elif problem.path:
        yield "    no replica reads it; programs that are none of ours may"
    if problem.way_out:
        yield "    The way out:"
        yield from (f"        {line}".rstrip() for line in problem.way_out.splitlines())
