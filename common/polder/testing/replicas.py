"""Replicas that were filled, as their state is left behind."""

from __future__ import annotations

from django.utils import timezone

from polder.replication.models import ReplicaState
from polder.replication.replica import replications


def filled(aggregate: str) -> ReplicaState:
    """The replica of this aggregate is complete."""
    now = timezone.now()
    return ReplicaState.objects.create(
        aggregate=aggregate,
        declared=replications[aggregate].declaration,
        state=ReplicaState.State.COMPLETE,
        reason="it is new",
        rate=1,
        started_at=now,
        progressed_at=now,
        completed_at=now,
        audited_at=now,
        deeply_audited_at=now,
    )
