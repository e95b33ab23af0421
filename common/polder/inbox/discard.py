"""Discarding: a parked message that nobody will apply is set aside for good, and can be brought
back as long as it is kept."""

from __future__ import annotations

from django.db import transaction

from polder.database.partitioning import database_now
from polder.inbox.models import ParkedEvent, ParkedState


class NotParked(ValueError):
    """The message is not in the state that this begins from; somebody else was quicker."""


@transaction.atomic
def discard(parked_id: int) -> None:
    """Parked becomes discarded, under the row's lock. Raises NotParked or ParkedEvent.DoesNotExist.

    Its ledger row and its count stay as they are: the delivery was parked. The same message
    arriving again is counted in `times_seen` and stays discarded, until somebody restores it.
    """
    _move(parked_id, ParkedState.PARKED, ParkedState.DISCARDED)


@transaction.atomic
def restore(parked_id: int) -> None:
    """Discarded becomes parked again. Raises NotParked or ParkedEvent.DoesNotExist."""
    _move(parked_id, ParkedState.DISCARDED, ParkedState.PARKED)


def _move(parked_id: int, before: ParkedState, after: ParkedState) -> None:
    parked = ParkedEvent.objects.select_for_update().get(pk=parked_id)
    if parked.state != before:
        raise NotParked(f"it is {parked.state}, not {before}")
    parked.state = after
    parked.last_seen_at = database_now()
    parked.save(update_fields=["state", "last_seen_at"])
