"""`publish()`: the first step of an event's walk, a row in the caller's own transaction."""

from __future__ import annotations

from uuid import UUID

from django.db import connection

from polder import this_service
from polder.contracts import clock
from polder.contracts.event import LARGEST_EVENT, Event
from polder.effects.declared import effects
from polder.effects.intents import write_down
from polder.outbox import fence
from polder.outbox.guard.sql import line as guard_line

# The identity column `position` is drawn row by row in the order given, while the caller still
# holds its aggregates' locks.
_INSERT = """
INSERT INTO polder_outbox (id, type, aggregate_type, subject, version, correlation_id, body)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::uuid[],
    %s::text[])
"""
_INSERT_ONE = """
INSERT INTO polder_outbox (id, type, aggregate_type, subject, version, correlation_id, body)
SELECT %s::uuid, %s::text, %s::text, %s::text, %s::bigint, %s::uuid, %s::text
"""
# Both are asked once in a statement: they cost nothing and leave the order of the rows alone. What
# is noted for the guard is noted only if the rows are written. Beyond NOTED characters it looks
# into the outbox.
_NOTE = """(SELECT set_config('polder.announced',
    concat(left(current_setting('polder.announced', true), %s), %s::text), true)) IS NOT NULL"""
_NOTED = f" WHERE {_NOTE}"
# Of the whole table and not of these rows.
_NOTHING_FENCED = f""" WHERE CASE WHEN EXISTS (SELECT FROM polder_outbox_fenced
    WHERE lifted_at IS NULL) THEN false ELSE {_NOTE} END"""
NOTED = 32_000


class NotInTransaction(RuntimeError):
    """publish() was called outside a transaction: the event could exist without its change, or the
    change without its event."""


class EventTooLarge(ValueError):
    """The encoded event is larger than LARGEST_EVENT bytes; the broker might refuse it for ever."""


class ForeignEvent(ValueError):
    """The event is another service's: every subscriber would refuse it, since it comes from us."""


def publish(*events: Event) -> None:
    """Writes the events to the outbox, in the order given, as part of the transaction that is open.

    One statement, however many events, and one more if they have effects. Raises NotInTransaction,
    EventTooLarge, ForeignEvent, or FencedAggregate when another service knows one of the aggregates
    better (see `fence`); then nothing was written.
    """
    if not in_transaction():
        raise NotInTransaction(
            "publish() belongs inside transaction.atomic(), beside the change that the events "
            "tell of"
        )
    if not events:
        return
    rows = [_row(event) for event in events]
    insert, values = (
        (_INSERT_ONE, rows[0])
        if len(rows) == 1
        else (_INSERT, tuple(list(column) for column in zip(*rows, strict=True)))
    )
    lines = "".join(map(_line, events))
    values = (*values, NOTED, lines if len(lines) < NOTED else "")
    if clock.is_doubtful():
        _ask_the_time()
    with connection.cursor() as cursor:
        cursor.execute(insert + _NOTHING_FENCED, values)
        if cursor.rowcount == 0:
            fence.check(events)
            cursor.execute(insert + _NOTED, values)
    if effects:
        write_down(events)


def _ask_the_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute(clock.ASK)
        clock.agree(cursor.fetchone()[0])


def in_transaction() -> bool:
    return connection.in_atomic_block


def _line(event: Event) -> str:
    return guard_line(event.aggregatetype, event.aggregateversion, event.subject)


def _row(event: Event) -> tuple[UUID | str | int, ...]:
    if event.service != this_service.name():
        raise ForeignEvent(
            f"{event.type} is an event of {event.service}, and this is {this_service.name()}"
        )
    body = event.encode()
    if len(body) > LARGEST_EVENT // 4 and len(body.encode()) > LARGEST_EVENT:
        raise EventTooLarge(f"{event.type} {event.subject} takes more than {LARGEST_EVENT} bytes")
    return (
        event.id,
        event.type,
        event.aggregatetype,
        event.subject,
        event.aggregateversion,
        event.correlationid,
        body,
    )
