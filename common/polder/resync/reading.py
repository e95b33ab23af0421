"""A page becomes what the replica would have of it. It needs nothing of the database, so it is done
while another process still merges the page before."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from polder.contracts.event import Event, State
from polder.contracts.upcasts import lift
from polder.errors.private import without_values
from polder.replication.lacking import MOST
from polder.replication.repair import Snapshot
from polder.replication.replica import Replication, event_class
from polder.resync.messages import Answer, Page, Row

log = logging.getLogger(__name__)

Taken = tuple[Snapshot, dict[str, Any]]  # and its row, as the replica has it
# of a contract's code, or of a value that a column cannot have
_UNREADABLE = (ValidationError, KeyError, ValueError, TypeError, ArithmeticError)


class Unusable(ValueError):
    """The owner's answer cannot be used; the run waits, and asks again."""


class Read(NamedTuple):
    """`rows`: by key, as the replica has them. `lacking`: the versions of those that cannot be had,
    by key. `unusable`: says why it is."""

    snapshots: Sequence[Snapshot] = ()
    rows: Mapping[str, dict[str, Any]] = {}
    lacking: Mapping[str, int] = {}
    unusable: str = ""


def read(replication: Replication, answer: Answer) -> Read:
    """What a page brings; of another answer nothing is to be read."""
    if not isinstance(answer, Page):
        return Read()
    try:
        taken = _taken(replication, answer)
    except Unusable as error:
        return Read(unusable=str(error))
    lacking = {row.key: row.version for row in answer.rows if row.key not in taken}
    for one in answer.lacking:
        log.warning("%s %s cannot be had: %s", replication.aggregate, one.key, one.why)
        lacking[one.key] = one.version
    return Read(
        [snapshot for snapshot, _ in taken.values()],
        {key: row for key, (_, row) in taken.items()},
        lacking,
    )


def _taken(replication: Replication, page: Page) -> dict[str, Taken]:
    """By key; without those that cannot be read. Raises Unusable, also when they are many."""
    if page.refused:
        raise Unusable(f"{replication.publisher} does not answer: {page.refused}")
    kind = event_class(replication)
    if page.schema_version > kind.schema_version:
        raise Unusable(
            f"{replication.publisher} has version {page.schema_version} of {replication.aggregate},"
            f" and {kind.schema_version} is the newest known here: this service has to be updated"
        )
    try:
        return _read(replication, page, page.rows)
    except _UNREADABLE:
        pass  # one by one, to tell which
    taken: dict[str, Taken] = {}
    unread = 0
    for row in page.rows:
        try:
            taken |= _read(replication, page, [row])
        except _UNREADABLE as error:
            unread += 1
            why = without_values(str(error))
            if unread > MOST:
                raise Unusable(f"rows of {replication.aggregate} cannot be read: {why}") from error
            log.warning("%s %s cannot be read: %s", replication.aggregate, row.key, why)
    return taken


def _read(replication: Replication, page: Page, rows: Sequence[Row]) -> dict[str, Taken]:
    """Raises one of _UNREADABLE."""
    kind = event_class(replication)
    data = [lift(kind, row.data, version=page.schema_version) for row in rows]
    states = _states(kind).validate_python(data, extra="ignore")
    snapshots = [
        Snapshot(row.key, row.version, page.read, row.time, state)
        for row, state in zip(rows, states, strict=True)
    ]
    return {one.subject: (one, replication.row(one)) for one in snapshots}


@cache
def _states(kind: type[Event]) -> TypeAdapter[list[State]]:
    """Reads all of a page in one call."""
    state: Any = kind.model_fields["data"].annotation
    return TypeAdapter(list[state])
