"""A page becomes what the replica would have of it. It needs nothing of the database, so it is done
while another process still merges the page before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from polder.contracts.event import Event, State
from polder.contracts.upcasts import lift
from polder.errors.private import without_values
from polder.replication.repair import Snapshot
from polder.replication.replica import Replication, event_class
from polder.resync.messages import Answer, Page


class Unusable(ValueError):
    """The owner's answer cannot be used; the run waits, and asks again."""


class Read(NamedTuple):
    """`rows`: by key, as the replica has them. `unusable`: says why it is."""

    snapshots: Sequence[Snapshot] = ()
    rows: Mapping[str, dict[str, Any]] = {}
    unusable: str = ""


def read(replication: Replication, answer: Answer) -> Read:
    """What a page brings; of another answer nothing is to be read."""
    if not isinstance(answer, Page):
        return Read()
    try:
        snapshots = _snapshots(replication, answer)
    except Unusable as error:
        return Read(unusable=str(error))
    return Read(snapshots, {one.subject: replication.row(one) for one in snapshots})


def _snapshots(replication: Replication, page: Page) -> list[Snapshot]:
    """Raises Unusable."""
    if page.refused:
        raise Unusable(f"{replication.publisher} does not answer: {page.refused}")
    kind = event_class(replication)
    if page.schema_version > kind.schema_version:
        raise Unusable(
            f"{replication.publisher} has version {page.schema_version} of {replication.aggregate},"
            f" and {kind.schema_version} is the newest known here: this service has to be updated"
        )
    try:
        data = [lift(kind, row.data, version=page.schema_version) for row in page.rows]
        states = _states(kind).validate_python(data, extra="ignore")
    except (ValidationError, KeyError) as error:
        why = without_values(str(error))
        raise Unusable(f"a row of {replication.aggregate} cannot be read: {why}") from error
    return [
        Snapshot(row.key, row.version, page.read, row.time, state)
        for row, state in zip(page.rows, states, strict=True)
    ]


@cache
def _states(kind: type[Event]) -> TypeAdapter[list[State]]:
    """Reads all of a page in one call."""
    state: Any = kind.model_fields["data"].annotation
    return TypeAdapter(list[state])
