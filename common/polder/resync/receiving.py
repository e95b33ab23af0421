"""An answer has come. A page is merged, reconciled, and the cursor stored, in one transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from contextlib import nullcontext
from functools import partial

from django.db import connection, transaction

from polder.effects.intents import skipped
from polder.errors.faults import MOMENT, Fault, fault_of
from polder.errors.private import without_values
from polder.outbox import fence
from polder.process.failpoints import Failpoint, failpoint
from polder.reconcile.reconciler import reconcile_changed
from polder.replication.lacking import record_lacking
from polder.replication.models import ReplicaState
from polder.replication.refused import merge_what_is_taken
from polder.replication.repair import keys_beside, remove_unknown
from polder.replication.replica import Replication, replications
from polder.resync import comparing
from polder.resync.asking import Ahead, ask_ahead, next_request
from polder.resync.messages import MOST, Answer, Digests, Listing, Page
from polder.resync.reading import Read, read
from polder.resync.turns import run_of, turn_of

log = logging.getLogger(__name__)

PATIENCE = "1s"  # for a lock
HISTORY = "a replica was filled, for the first time or anew: it follows from the history"
LONGEST_PAUSE = 1.0  # seconds between two pages, for the sake of the rate


def receive(answer: Answer) -> bool:
    """Takes what an answer brings and asks for more; False for one that nobody waits for (late,
    doubled, cancelled). May run twice."""
    began = time.monotonic()
    waiting = run_of(answer.request)
    if waiting is None:
        return False
    was_read = read(replications[waiting.aggregate], answer)
    # what it asks for now comes to nothing where the run has to go another way
    through = None if was_read.unusable else _through(answer)
    ahead = ask_ahead(waiting, answer.request, through)
    try:
        return _received(waiting, answer, was_read, ahead, began)
    except Exception as error:
        if fault_of(error) in MOMENT or fault_of(error) is Fault.INTERRUPTED:
            raise
        log.exception("an answer of %s about %s cannot be taken", waiting.owner, waiting.pk)
        why = f"what its owner answered cannot be taken: {without_values(str(error).strip())}"
        ReplicaState.objects.filter(pk=waiting.pk, request_id=answer.request).update(trouble=why)
        return False


def _received(
    waiting: ReplicaState, answer: Answer, was_read: Read, ahead: Ahead | None, began: float
) -> bool:
    """In its turn, in one transaction."""
    with turn_of(waiting, answer.request) as run:
        if run is None or not _follows(run, answer):
            return False
        _wait_for_locks_briefly()
        if was_read.unusable:
            run.trouble = was_read.unusable
            run.save()
            return True
        done = run.rows_done
        _take_any(run, replications[run.aggregate], answer, was_read)
        failpoint(Failpoint.RESYNC_BEFORE_COMMIT)
        rows = max(run.rows_done - done, len(was_read.rows))
        pause = min(LONGEST_PAUSE, rows / run.rate - (time.monotonic() - began))
        transaction.on_commit(partial(_wait, pause))
        next_request(run, ahead)
    return True


def _follows(run: ReplicaState, answer: Answer) -> bool:
    """Whether it begins where the run has come to. One that was asked for ahead does not where the
    answer before it came twice and ended otherwise: it is asked for again."""
    after = None if isinstance(answer, Listing) else answer.after
    return after is None or after == run.cursor


def _through(answer: Answer) -> str | None:
    """The key from which a scan goes on after this answer, if it does."""
    if answer.refused or isinstance(answer, Listing):
        return None
    if isinstance(answer, Page):
        return answer.through
    return answer.buckets[-1].through if answer.buckets else None


def _take_any(run: ReplicaState, replication: Replication, answer: Answer, was_read: Read) -> None:
    if isinstance(answer, Page):
        _take(run, replication, answer, was_read)
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


def _take(run: ReplicaState, replication: Replication, page: Page, was_read: Read) -> None:
    manner = comparing.manner_of(run)
    repaired = merge_what_is_taken(
        replication,
        was_read.snapshots,
        manner,
        confirmed=bool(run.asking),
        made=was_read.rows,
    )
    lacking = record_lacking(replication, was_read.lacking, page.read, manner)
    failpoint(Failpoint.RESYNC_AFTER_MERGE)
    brought = {*was_read.rows, *was_read.lacking}
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
        is_history = run.completed_at is None or run.is_rebuilt
        with skipped(HISTORY) if is_history else nullcontext():
            _reconcile(replication, repaired.changed | removed)
    if page.total is not None:
        run.estimate = page.total
    if run.compared_by == ReplicaState.Compared.ROWS:
        run.rows_done += len(brought) if run.scans or run.estimate is not None else 0
    run.rows_changed += len(repaired.changed)
    run.rows_removed += len(removed)
    run.rows_disputed += len(page.disputed)
    run.rows_drifted += repaired.drifted + lacking
    run.drift_found += repaired.drifted + lacking


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
