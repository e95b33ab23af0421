"""The subscriber's side: answers what it knows of an owner, from its ledger and from what it found
regressed."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from django.db import connection

from polder import this_service
from polder.contracts.event import Event
from polder.inbox.models import Outcome
from polder.pasts.messages import Answer, Known, Question
from polder.replication.models import Regression

PAGE = 1000

# Of two events with one version the older comes first: the younger is the one that a past which
# came back has led to.
_KNOWN = """
SELECT DISTINCT ON (aggregate, subject) aggregate, subject, version, id
FROM polder_ledger JOIN unnest(%s::text[], %s::text[]) AS said(type, aggregate) USING (type)
WHERE id > %s AND publisher = %s AND outcome <> %s
ORDER BY aggregate, subject, version DESC, id
"""
_NEWEST = (
    "SELECT id FROM polder_ledger WHERE id > %s AND id <= %s AND publisher = %s ORDER BY id "
    "DESC "
    "LIMIT 1"
)


def answers(question: Question, waiting: int = 0) -> list[Answer]:
    """The answer in pages, the last of which confirms. There is always one: nothing to tell is an
    answer, too. `waiting`: how many of the owner's events have not come yet."""
    since = question.since.get(this_service.name(), question.otherwise)
    known = [*_known(question.owner, since), *_regressed(question.owner)]
    pages = [known[start : start + PAGE] for start in range(0, len(known), PAGE)] or [[]]
    about = {"subscriber": this_service.name(), "question": question.question}
    last = Answer(**about, known=pages[-1], confirms=_confirmed(question, since), waiting=waiting)
    return [*(Answer(**about, known=page) for page in pages[:-1]), last]


def _known(owner: str, since: UUID) -> list[Known]:
    said = {
        name: event.aggregate for (service, name), event in Event.known.items() if service == owner
    }
    with connection.cursor() as cursor:
        # A parked event proves nothing: it may be none of its owner's.
        cursor.execute(_KNOWN, [list(said), list(said.values()), since, owner, Outcome.PARKED])
        return [
            Known(aggregate=aggregate, key=key, version=version, event_id=event_id)
            for aggregate, key, version, event_id in cursor
        ]


def _regressed(owner: str) -> Iterator[Known]:
    """What is open, whatever its age: until the owner has passed it, it is told again."""
    for row in Regression.objects.filter(closed_at=None, aggregate__startswith=f"{owner}."):
        yield Known(
            aggregate=row.aggregate.partition(".")[2],
            key=row.key,
            version=row.known_version,
            event_id=row.known_event_id,
        )


def _confirmed(question: Question, since: UUID) -> UUID:
    """Not beyond what we have applied ourselves: what still waits in our queue is to be told when
    it has come."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [since, question.until, question.owner])
        row = cursor.fetchone()
    return row[0] if row else since
