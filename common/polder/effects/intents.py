"""Writing down what is to be done, in the transaction of the event that it follows from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta

from django.db import connection

from polder import this_service
from polder.contracts.event import Event
from polder.database.partitioning import database_now
from polder.effects.declared import Effect, following
from polder.errors.ending import errors_only

# What was written down before stays: one body for each key. The due ones are tried by the order of
# their keys' events.
_INSERT = """
INSERT INTO polder_effects_intent (effect, key, body, event_id, event_type, subject, correlation_id,
    state, error, attempts)
SELECT *, 0 FROM unnest(%s::text[], %s::text[], %s::jsonb[], %s::uuid[], %s::text[], %s::text[],
    %s::uuid[], %s::text[], %s::text[])
ON CONFLICT (effect, key) DO NOTHING
"""
TOO_OLD = "the event is older than what is remembered of effects: it may have been done"
LONGEST_KEY = 200

_why_skipped: ContextVar[str] = ContextVar("why_skipped", default="")


@contextmanager
def skipped(why: str) -> Iterator[None]:
    """What is published inside reports the past: its effects are written down as skipped, for an
    operator to see, and to have carried out if they never were."""
    token = _why_skipped.set(why)
    try:
        yield
    finally:
        _why_skipped.reset(token)


def write_down(events: Iterable[Event]) -> None:
    """The effects of these events, as part of the transaction that is open; those whose key is
    known already are left as they are. Raises what keys and bodies raise."""
    found = list(following(events))
    if not found:
        return
    forgotten = database_now() - remembered()
    rows = [_row(one, event, forgotten) for one, event in found]
    rows.sort(key=lambda row: row[:2])  # two transactions never wait for each other crosswise
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [list(column) for column in zip(*rows, strict=True)])


def remembered() -> timedelta:
    """For how long it is known at least that an effect was done."""
    reach = timedelta(weeks=this_service.ledger_weeks_kept())
    return max(this_service.kept("RECORDS_DAYS"), reach)


def _row(one: Effect, event: Event, forgotten: datetime) -> tuple[object, ...]:
    with errors_only():
        key, body = one.key(event), one.body(event)
    if not key or len(key) > LONGEST_KEY:
        raise ValueError(f"the key of {one.name} has 1 to {LONGEST_KEY} characters: {key!r}")
    why = _why_skipped.get()
    if not why and event.time < forgotten:
        why = TOO_OLD
    about = (event.id, event.type, event.subject, event.correlationid)
    return (one.name, key, json.dumps(body), *about, "skipped" if why else "waiting", why)
