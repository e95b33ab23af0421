"""What an answer says of the replicas that it shows: whether each is complete, and how far it is
behind its owner at most. Beside them, `syncedAt` tells when a row's version arrived."""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.db.models import Model

from polder.replication import freshness
from polder.replication.models import ReplicaState
from polder.replication.replica import replications

HEADER = "Polder-Replicas"
READ_AGAIN = 2.0  # seconds: an answer may be so far behind

_known: tuple[float, dict[str, str]] = (0.0, {})  # until when (monotonic), what each is


def replicas_of(shown: Sequence[type[Model]]) -> list[str]:
    """The names of those among the models."""
    return [name for name, found in sorted(replications.items()) if found.model in shown]


def replicas_header(shown: Sequence[type[Model]]) -> str:
    """`inventory.product="filling, 40 %", inventory.stock="complete since 2026-11-25 08:00:00 UTC;
    at most 4.1 s behind"`: a dictionary of structured fields (RFC 8941). Empty when no replica is
    shown."""
    names = replicas_of(shown)
    if not names:
        return ""
    told = _states()
    return ", ".join(f'{name}="{told.get(name, "not filled yet")}"' for name in names)


def _states() -> dict[str, str]:
    global _known
    until, told = _known
    if time.monotonic() > until:
        behind = freshness.behind()
        told = {
            state.aggregate: "; ".join(
                filter(None, (state.told, freshness.told(_in_a_while(behind.get(state.owner)))))
            )
            for state in ReplicaState.objects.all()
        }
        _known = time.monotonic() + READ_AGAIN, told
    return told


def _in_a_while(seconds: float | None) -> float | None:
    """It is said for a while."""
    return None if seconds is None else seconds + READ_AGAIN


def forget() -> None:
    """The next answer asks the database."""
    global _known
    _known = 0.0, {}
