"""The owner's side: asks its subscribers what they know of it, and learns what it has forgotten
from their answers."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from polder import this_service
from polder.broker.names import EVERY_SUBSCRIBER
from polder.direct.talk import say
from polder.outbox import fence
from polder.outbox.fence import Claim
from polder.outbox.models import OutboxEvent, Subscriber
from polder.partitioning import first_key_at
from polder.pasts.messages import Answer, Question

RECONCILED = timedelta(seconds=60)  # what is older is committed and delivered, whatever was slow
BEFORE_ALL = UUID(int=0)

_ANSWERED = """
INSERT INTO polder_outbox_subscriber AS known (name, confirmed_until, answered_at) VALUES (%s, %s,
    clock_timestamp())
ON CONFLICT (name) DO UPDATE SET confirmed_until = greatest(known.confirmed_until,
    excluded.confirmed_until), answered_at = clock_timestamp()
"""


def ask() -> bool:
    """Asks every subscriber what it knows of us since it last confirmed; False when nobody listens.
    Raises one of BROKER_ERRORS.

    May be asked at any time and any number of times: an answer that is lost is given again at the
    next question.
    """
    until = _newest_reconciled()
    since = dict(Subscriber.objects.values_list("name", "confirmed_until"))
    question = Question(
        owner=this_service.name(), question=uuid7(), since=since, otherwise=until, until=until
    )
    return say(EVERY_SUBSCRIBER, [question])


def learn(answer: Answer) -> int:
    """Fences what the subscriber knows better than we do; how many. May run twice."""
    found = fence.put_up(
        [
            Claim(known.aggregate, known.key, known.version, known.event_id)
            for known in answer.known
        ],
        answer.subscriber,
    )
    if answer.confirms is not None:
        with connection.cursor() as cursor:
            cursor.execute(_ANSWERED, [answer.subscriber, answer.confirms])
    return found


def _newest_reconciled() -> UUID:
    """The newest event of ours that everybody has had time to hear of."""
    bound = first_key_at(timezone.now() - RECONCILED)
    return (
        OutboxEvent.objects.filter(pk__lt=bound)
        .order_by("-pk")
        .values_list("pk", flat=True)
        .first()
        or BEFORE_ALL
    )
