"""Pasts that came back, as their records are left behind."""

from __future__ import annotations

from django.utils import timezone
from uuid_utils.compat import uuid7

from polder.outbox.models import Fenced, Subscriber
from polder.replication.models import Regression


def somebody_regressed(aggregate: str) -> None:
    """An owner of what this service keeps copies of has sent an old version of one of them."""
    Regression.objects.create(
        aggregate=aggregate,
        key="k",
        known_version=7,
        known_event_id=uuid7(),
        sent_version=4,
        sent_event_id=uuid7(),
    )


def we_regressed(reported_by: str) -> None:
    """Another service has told that it knows something of this one better; an operator has accepted
    it."""
    Fenced.objects.create(
        aggregate="teapot",
        key="k",
        known_version=7,
        known_event_id=uuid7(),
        reported_by=reported_by,
        is_forgotten=True,
        lifted_at=timezone.now(),
        lifted_by="root",
    )
    Subscriber.objects.create(
        name=reported_by, confirmed_until=uuid7(), answered_at=timezone.now(), question=uuid7()
    )
