"""An answer has come. A page is merged, reconciled, and the cursor stored, in one transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from contextlib import nullcontext
from functools import partial

from django.db import connection, transaction
from pydantic import ValidationError

from polder.contracts.upcasts import lift
from polder.effects.intents import skipped
from polder.failpoints import Failpoint, failpoint
from polder.faults import MOMENT, fault_of
from polder.outbox import fence
from polder.reconcile.reconciler import reconcile_changed
from polder.replication.models import UNDER_WAY, ReplicaState
from polder.replication.repair import Snapshot, keys_beside, merge_snapshots, remove_unknown
from polder.replication.replica import Replication, event_class, replications
from polder.resync import comparing
from polder.resync.asking import ask_ahead, following, next_request
from polder.resync.messages import MOST, Answer, Digests, Listing, Page

log = logging.getLogger(__name__)

PATIENCE = "1s"  # for a lock
FIRST_FILLED = "a replica was filled for the first time: it follows from the history"
LONGEST_PAUSE = 1.0  # seconds between two pages, for the sake of the rate


class Unusable(ValueError):
    """The owner's answer cannot be used; the run waits, and asks again."""


def receive(answer: Answer) -> bool:
    """Takes what an answer brings and asks for more; False for one that nobody waits for (late,
    doubled, cancelled). May run twice."""
    began = time.monotonic()
    runs = ReplicaState.objects.filter(state__in=UNDER_WAY)
    with transaction.atomic():
        _wait_for_locks_briefly()
        mine = runs.select_for_update().filter(request_id=answer.request)
        run = mine.first()
        if run is None and _wait_for_its_turn(answer):
            run = mine.all().first()
        if run is None or run.aggregate not in replications:
            return False
        ahead = ask_ahead(run, _through(answer))  # under the lock, for which its answer waits
        done = run.rows_done
        try:
            _take_any(run, replications[run.aggregate], answer)
        except Unusable as error:
            run.trouble = str(error)
            run.save()
            return True
        failpoint(Failpoint.RESYNC_BEFORE_COMMIT)
        rows = max(run.rows_done - done, len(getattr(answer, "rows", ())))
        pause = min(LONGEST_PAUSE, rows / run.rate - (time.monotonic() - began))
        transaction.on_commit(partial(_wait, pause))
        next_request(run, ahead)
    return True


def _through(answer: Answer) -> str | None:
    """The key from which a scan goes on after this answer, if it does."""
    if answer.refused or isinstance(answer, Listing):
        return None
    if isinstance(answer, Page):
        return answer.through
    return answer.buckets[-1].through if answer.buckets else None


def _wait_for_its_turn(answer: Answer) -> bool:
    """Of an answer that was asked for ahead, while another process merges what comes before it, and
    holds the run's lock since before it asked. False for one that nobody has asked for."""
    for run in ReplicaState.objects.filter(state__in=UNDER_WAY, request_id__isnull=False):
        if run.request_id and following(run.request_id) == answer.request:
            ReplicaState.objects.select_for_update().get(pk=run.pk)
            return True
    return ReplicaState.objects.filter(request_id=answer.request).exists()


def _take_any(run: ReplicaState, replication: Replication, answer: Answer) -> None:
    """Raises Unusable."""
    if isinstance(answer, Page):
        _take(run, replication, answer)
    elif answer.refused:
        comparing.row_by_row(run, answer.refused)
    elif isinstance(answer, Digests):
        comparing.take_digests(run, replication, answer)
    else:
        comparing.take_listing(run, replication, answer)


def _wait_for_locks_briefly() -> None:
    """The page's own rows are locked meanwhile, and events may wait for them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])


def _wait(pause: float) -> None:
    failpoint(Failpoint.RESYNC_AFTER_COMMIT)
    time.sleep(max(0.0, pause))


def _take(run: ReplicaState, replication: Replication, page: Page) -> None:
    """Raises Unusable."""
    snapshots = _snapshots(replication, page)
    manner = comparing.manner_of(run)
    repaired = merge_snapshots(replication, snapshots, manner, confirmed=bool(run.asking))
    failpoint(Failpoint.RESYNC_AFTER_MERGE)
    brought = {one.subject for one in snapshots}
    removed: set[str] = set()
    if run.asking:
        removed, drifted = remove_unknown(replication, page.unknown, page.read, manner)
        run.rows_drifted += drifted
        run.drift_found += drifted
        answered = brought | set(page.unknown) | set(page.disputed)
        run.asking = [key for key in run.asking if key not in answered]
    else:
        _go_on(run, replication, page, brought, repaired.above)
    # while this service is being restored, all of it is reconciled when the fence is gone
    if not (run.is_rebuilt and fence.stands()):
        # what it brings for the first time was so long ago that nobody is to hear of it now
        with skipped(FIRST_FILLED) if run.completed_at is None else nullcontext():
            _reconcile(replication, repaired.changed | removed)
    if page.total is not None:
        run.estimate = page.total
    if run.compared_by == ReplicaState.Compared.ROWS:
        run.rows_done += len(brought) if run.scans or run.estimate is not None else 0
    run.rows_changed += len(repaired.changed)
    run.rows_removed += len(removed)
    run.rows_disputed += len(page.disputed)
    run.rows_drifted += repaired.drifted
    run.drift_found += repaired.drifted


def _go_on(
    run: ReplicaState, replication: Replication, page: Page, brought: set[str], above: list[str]
) -> None:
    """Past the range that the page covers, once what is doubtful in it has been asked for."""
    assert run.asked_at is not None
    beside = []
    if run.since is None:  # else it brings only some of those in its range
        beside = keys_beside(
            replication,
            brought,
            after=run.cursor,
            through=page.through,
            asked_at=run.asked_at,
            most=MOST + 1,
        )
    run.asking = sorted({*above, *beside[:MOST]})
    if len(beside) > MOST:
        run.cursor = beside[MOST - 1]  # the rest of the range comes again
    elif page.through is not None:
        run.cursor = page.through
    else:
        run.scans = False


def _snapshots(replication: Replication, page: Page) -> list[Snapshot]:
    """Raises Unusable."""
    if page.refused:
        raise Unusable(f"{replication.publisher} does not answer: {page.refused}")
    kind = event_class(replication)
    if page.schema_version > kind.schema_version:
        raise Unusable(
            f"{replication.publisher} has version {page.schema_version} of {replication.aggregate},"
            f" and {kind.schema_version} is the newest known here: this service has to be updated"
        )
    state = kind.model_fields["data"].annotation
    assert isinstance(state, type)
    try:
        return [
            Snapshot(
                row.key,
                row.version,
                page.read,
                row.time,
                state.model_validate(
                    lift(kind, row.data, version=page.schema_version), extra="ignore"
                ),
            )
            for row in page.rows
        ]
    except (ValidationError, KeyError) as error:
        raise Unusable(f"a row of {replication.aggregate} cannot be read: {error}") from error


def _reconcile(replication: Replication, changed: Collection[str]) -> None:
    """One key that cannot be reconciled keeps no page from being taken: it is overdue from now on,
    and looked at each minute."""
    try:
        with transaction.atomic():
            reconcile_changed({replication.model: set(changed)})
        return
    except Exception as error:
        if fault_of(error) in MOMENT:
            raise
        log.warning(
            "%s: reconciling a page failed, now key by key: %r", replication.aggregate, error
        )
    for key in sorted(changed):
        try:
            with transaction.atomic():
                reconcile_changed({replication.model: {key}})
        except Exception as error:
            if fault_of(error) in MOMENT:
                raise
            log.exception("%s %s cannot be reconciled", replication.aggregate, key)
