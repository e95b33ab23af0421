"""A resync of one replica: how it begins, and how a person stops it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from polder import this_service
from polder.database.partitioning import database_now, key_of_now
from polder.replication.models import UNDER_WAY, ReplicaState
from polder.replication.replica import Replication, replications
from polder.resync.asking import next_request

State = ReplicaState.State
Compared = ReplicaState.Compared
RATE = 2_000  # rows per second, unless somebody says otherwise
RATES = {Compared.ROWS: RATE, Compared.QUICK: 200_000, Compared.DEEP: 20_000}  # of audits
HIGHEST_RATE = 10_000_000  # nothing is as quick
AUDITED = ("audited_at", "deeply_audited_at")


_FIRST = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


class NotPossible(ValueError):
    """What was asked of a resync cannot be done as it stands; `str()` says why."""


def begin(
    aggregate: str,
    reason: str,
    *,
    keys: Sequence[str] | None = None,
    since: datetime | None = None,
    rate: int | None = None,
    is_rebuilt: bool = False,
) -> None:
    """Starts a resync of all rows, of some keys, or of those that the owner changed since; it takes
    the place of an audit. Raises NotPossible when one is under way, or the service keeps no such
    replica."""
    with transaction.atomic():
        replication = _replication(aggregate)
        known = _known(replication)
        if known and known.is_under_way_or_paused and not (is_rebuilt or known.is_audit):
            raise NotPossible(
                f"a resync of {aggregate} is under way already ({known.told}): it is joined "
                "without --all, --ids and --since, or ended with --cancel"
            )
        run = _new(aggregate, known, reason, _rate(rate, RATE))
        run.is_rebuilt, run.since = run.is_rebuilt or is_rebuilt, since
        run.is_partial = keys is not None or since is not None
        if run.is_partial:
            _check_declared(replication, known)
        if keys is not None:
            run.scans, run.asking = False, sorted(_keys(replication, keys))
            run.estimate = len(run.asking)
        next_request(run)


def fetch(aggregate: str, keys: Sequence[str], reason: str) -> None:
    """Fetches the present state of these from their owner: begins a resync of them, or adds them to
    one of some keys that is under way. Raises NotPossible."""
    with transaction.atomic():
        replication = _replication(aggregate)
        known = _known(replication)
        some = known and known.asking and known.state == State.FILLING
        if known and some and not (known.scans or known.ranges):
            known.asking += sorted(_keys(replication, keys) - {*known.asking})
            known.estimate = known.rows_done + len(known.asking)
            known.save(update_fields=["asking", "estimate"])
            return
        begin(aggregate, reason, keys=keys)


def audit(
    aggregate: str, reason: str, *, deep: bool, rate: int | None = None, dry: bool = False
) -> None:
    """Starts an audit. Raises NotPossible as `begin` does."""
    with transaction.atomic():
        replication = _replication(aggregate)
        known = _known(replication)
        if known and known.is_under_way_or_paused:
            raise NotPossible(f"{aggregate} is {known.told}; what is under way ends with --cancel")
        _check_declared(replication, known)
        compared_by = Compared.DEEP if deep else Compared.QUICK
        if not replication.has_digests:
            compared_by = Compared.ROWS
        run = _new(aggregate, known, reason, _rate(rate, RATES[compared_by]))
        run.state, run.is_audit, run.is_dry, run.listed = State.AUDITING, True, dry, key_of_now()
        run.compared_by = compared_by
        next_request(run)


def _replication(aggregate: str) -> Replication:
    """Raises NotPossible."""
    if aggregate not in replications:
        known = ", ".join(sorted(replications))
        raise NotPossible(f"{this_service.name()} keeps no replica of {aggregate}; it has: {known}")
    return replications[aggregate]


def _rate(asked: int | None, usual: int) -> int:
    """Raises NotPossible."""
    if asked is not None and not 1 <= asked <= HIGHEST_RATE:
        raise NotPossible(f"{asked} is no rate: it is rows per second, from 1 to {HIGHEST_RATE:,}")
    return usual if asked is None else asked


def _keys(replication: Replication, given: Sequence[str]) -> set[str]:
    """As the rows have them. Raises NotPossible."""
    keys = {text: replication.key_of(text) for text in given}
    if wrong := [text for text, key in keys.items() if key is None]:
        raise NotPossible(f"{wrong[0]!r} is no key of {replication.aggregate}")
    return {key for key in keys.values() if key is not None}


def wait_for_others(aggregate: str) -> None:
    """Until the transaction ends, nobody else who asks for this begins a first resync of it."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST, [f"the first resync of {aggregate}"])


def _check_declared(replication: Replication, known: ReplicaState | None) -> None:
    """Else it would count as filled by what is only a part. Raises NotPossible."""
    if known and known.declared != replication.declaration:
        raise NotPossible(
            f"{replication.aggregate} declares something else than it was filled with: the "
            "housekeeper fills it anew, or --all"
        )


def _known(replication: Replication) -> ReplicaState | None:
    wait_for_others(replication.aggregate)  # there may be no row to lock yet
    found = ReplicaState.objects.select_for_update().filter(pk=replication.aggregate)
    return found.first()


def _new(aggregate: str, known: ReplicaState | None, reason: str, rate: int) -> ReplicaState:
    """What the replica keeps of before is when it was complete and compared, and that it has not
    got yet all that it declares."""
    now = database_now()
    kept: dict[str, Any] = {}
    if known:
        kept = {name: getattr(known, name) for name in ("completed_at", *AUDITED, "drift_found")}
        is_other = known.declared != replications[aggregate].declaration
        kept["is_rebuilt"] = is_other or (known.is_rebuilt and not known.is_complete)
    return ReplicaState(
        aggregate=aggregate,
        declared=replications[aggregate].declaration,
        state=State.FILLING,
        reason=reason[:200],
        rate=rate,
        started_at=now,
        progressed_at=now,
        **kept,
    )


def pause(aggregate: str) -> None:
    """Raises NotPossible."""
    with transaction.atomic():
        _stop(_under_way(aggregate, *UNDER_WAY), State.PAUSED)


def resume(aggregate: str, rate: int | None = None) -> None:
    """Raises NotPossible."""
    with transaction.atomic():
        run = _under_way(aggregate, State.PAUSED)
        run.state = State.AUDITING if run.is_audit else State.FILLING
        run.rate = _rate(rate, run.rate)
        next_request(run)


def cancel(aggregate: str) -> None:
    """What has come stays; a page that is under way is dropped when it comes. Raises
    NotPossible."""
    with transaction.atomic():
        run = _under_way(aggregate, *UNDER_WAY, State.PAUSED)
        # one that was complete before is as complete as it was
        was_complete = run.completed_at and not run.is_rebuilt
        _stop(run, State.COMPLETE if was_complete else State.CANCELLED)


def _under_way(aggregate: str, *states: State) -> ReplicaState:
    run = ReplicaState.objects.select_for_update().filter(pk=aggregate, state__in=states).first()
    if run is None:
        raise NotPossible(f"nothing of {aggregate} is {' or '.join(states)}")
    return run


def _stop(run: ReplicaState, state: State) -> None:
    run.state, run.request_id, run.trouble = state, None, ""
    run.save()
