"""The catalogue of events as Markdown, for pages that are read without a service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from polder.contracts.catalogue import Entry, Member, Reader, entries
from polder.contracts.published import Published


def drawn(published: Published, folder: str) -> str:
    """A chapter for each aggregate; `folder` is where the schemas are, seen from the page."""
    groups = groupby(entries(published), key=lambda one: (one.service, one.aggregate))
    return "\n\n".join("\n\n".join(_chapter(list(events), folder)) for _, events in groups)


def _chapter(events: Sequence[Entry], folder: str) -> Iterator[str]:
    """What its events have in common, their state, is said once."""
    first = events[0]
    yield f"## {first.service}.{first.aggregate}"
    yield f"Published to the exchange `{first.service}.events`. {_subscribers(first.readers)}"
    yield "\n".join(
        [
            "| event | what happened | schemas | example |",
            "|---|---|---|---|",
            *(_event(one, folder) for one in events),
        ]
    )
    yield "\n".join(
        [
            "| member of `data` | type | meaning | kept by |",
            "|---|---|---|---|",
            *(_row(member, _type(member, events)) for member in first.members),
        ]
    )


def _subscribers(readers: Sequence[Reader]) -> str:
    if not readers:
        return "No service keeps a replica of it."
    said = []
    for one in readers:
        by = f", and reconciles by {_code(one.reconcilers)}" if one.reconcilers else ""
        said.append(f"**{one.service}** reads {_code(one.members) or 'that it is there'}{by}")
    return f"{'; '.join(said)}."


def _code(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _event(entry: Entry, folder: str) -> str:
    place = f"{folder}/{entry.service}/{entry.event}"
    schemas = ", ".join(f"[{one}]({place}/{one}.json)" for one in entry.versions)
    example = f"[{entry.newest}]({place}/{entry.newest}.example.json)"
    return f"| `{entry.event}` | {_cell(entry.meaning)} | {schemas} | {example} |"


def _type(member: Member, events: Sequence[Entry]) -> str:
    """Where the events differ, as in the status that each announces, all of them."""
    types = {one.type: None for event in events for one in event.members if one.name == member.name}
    if len(types) == 1:
        return member.type
    return " or ".join(one.removeprefix("always ") for one in types)


def _row(member: Member, type_: str) -> str:
    default = f"; left out: `{member.default}`" if member.default else ""
    kept = ", ".join(member.readers)
    return f"| `{member.name}` | {_cell(type_)}{default} | {_cell(member.meaning)} | {kept} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
