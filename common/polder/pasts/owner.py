"""The owner's side: asks its subscribers what they know of it, and learns what it has forgotten
from their answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from polder import this_service
from polder.broker.names import EVERY_SUBSCRIBER
from polder.database.partitioning import database_now, first_key_at, moment_of
from polder.direct.talk import say
from polder.outbox import claims
from polder.outbox.claims import Claim
from polder.outbox.gate import not_yet_asked
from polder.outbox.models import CopiesPage, Fenced, OutboxEvent, Subscriber
from polder.outbox.models import Question as Asked
from polder.pasts.messages import Answer, Copies, CopiesRequest, Question

RECONCILED = timedelta(seconds=60)  # what is older is committed and delivered, whatever was slow
BEFORE_THE_OLDEST = timedelta(hours=6)
KEPT = timedelta(days=1)  # a question, and what answers it
BEFORE_ALL = UUID(int=0)

_ANSWERED = """
INSERT INTO polder_outbox_subscriber AS known (name, confirmed_until, question, waiting,
    answered_at) VALUES (%s, %s, %s, %s, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET confirmed_until = greatest(known.confirmed_until,
    excluded.confirmed_until), waiting = excluded.waiting, answered_at = clock_timestamp(),
    question = CASE WHEN known.question < %s THEN greatest(known.question, excluded.question)
        ELSE excluded.question END
"""


def ask() -> UUID | None:
    """Asks every subscriber what it knows of us since it last confirmed: the question's id, None
    when nobody listens. Raises one of BROKER_ERRORS.

    May be asked at any time and any number of times: an answer that is lost is given again at the
    next question.
    """
    until = _newest_reconciled()
    since = dict(Subscriber.objects.values_list("name", "confirmed_until"))
    asked = new_question()
    question = Question(
        owner=this_service.name(), question=asked, since=since, otherwise=until, until=until
    )
    return asked if say(EVERY_SUBSCRIBER, [question]) else None


def ask_for_copies(aggregate: str, keys: Sequence[str]) -> UUID | None:
    """Asks every subscriber what it keeps of these aggregates of ours, MOST at most: the question's
    id, None when nobody listens. Raises one of BROKER_ERRORS."""
    request = CopiesRequest(
        owner=this_service.name(),
        question=new_question(),
        aggregate=aggregate,
        keys=list(keys),
        since=_before_the_oldest_forgotten(),
    )
    return request.question if say(EVERY_SUBSCRIBER, [request]) else None


def _before_the_oldest_forgotten() -> UUID:
    """What was forgotten began after the backup was made, so some time before the oldest event that
    we lack, at most."""
    ids = Fenced.objects.filter(lifted_at=None).values_list("known_event_id", flat=True)
    oldest = ids.order_by("known_event_id").first()
    return BEFORE_ALL if oldest is None else first_key_at(moment_of(oldest) - BEFORE_THE_OLDEST)


def new_question() -> UUID:
    """Kept for a while. What answers a question that this database does not know was asked in a
    past that it has no more."""
    question = uuid7()
    Asked.objects.filter(asked_at__lt=Now() - KEPT).delete()
    Asked.objects.create(id=question)
    return question


def learn(answer: Answer) -> int:
    """Fences what the subscriber knows better than we do; how many. May run twice."""
    found = claims.put_up(
        [
            Claim(known.aggregate, known.key, known.version, known.event_id)
            for known in answer.known
        ],
        answer.subscriber,
    )
    if answer.confirms is not None and Asked.objects.filter(pk=answer.question).exists():
        with connection.cursor() as cursor:
            cursor.execute(
                _ANSWERED,
                [
                    *(answer.subscriber, answer.confirms, answer.question, answer.waiting),
                    not_yet_asked(),
                ],
            )
    return found


def keep(page: Copies) -> None:
    """What a subscriber has of ours, until it is made use of. May run twice."""
    if Asked.objects.filter(pk=page.question).exists():
        CopiesPage.objects.bulk_create(
            [
                CopiesPage(
                    question_id=page.question,
                    subscriber=page.subscriber,
                    part=page.part,
                    parts=page.parts,
                    rows=[row.model_dump(mode="json") for row in page.rows],
                )
            ],
            ignore_conflicts=True,
        )


def _newest_reconciled() -> UUID:
    """The newest event of ours that everybody has had time to hear of."""
    bound = first_key_at(database_now() - RECONCILED)
    return (
        OutboxEvent.objects.filter(pk__lt=bound)
        .order_by("-pk")
        .values_list("pk", flat=True)
        .first()
        or BEFORE_ALL
    )
