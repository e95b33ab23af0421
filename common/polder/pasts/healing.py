"""Healing what others know better: adopted from their copies, raised above all that they have seen,
announced. Each page in a transaction of its own, so it may be broken off anywhere and run again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

from django.db import connection, transaction

from polder.contracts.correlation import Correlation, correlated
from polder.domain.aggregate import Aggregate, aggregates, save_changed
from polder.effects.intents import skipped
from polder.errors.faults import MOMENT, Fault, fault_of
from polder.outbox import carried_out, fence
from polder.outbox.models import Fenced
from polder.outbox.publish import publish
from polder.pasts.adoption import (
    Case,
    Proofs,
    Proven,
    adoption_of,
    changed_by,
    in_order,
    only_raise,
)
from polder.process.failpoints import Failpoint, failpoint

log = logging.getLogger(__name__)

PAGE = 200  # aggregates in a transaction
PAUSES = (0.1, 0.5, 2.0, 5.0)  # seconds, before a page is tried again
OWN_FIELDS = {"version", "created_at", "updated_at"}


def heal(
    proofs: Proofs, *, dry_run: bool, tell: Callable[[int], None] = lambda number: None
) -> list[Case[Any]]:
    """Heals what is fenced and not healed yet, and leaves the fence around it; what became of each.
    A dry run is one transaction that is rolled back. `tell` hears of each page how many it had."""
    cases: list[Case[Any]] = []
    whole = transaction.atomic() if dry_run else nullcontext()
    with whole, correlated(Correlation()), fence.open_to_the_healer():
        for aggregate in in_order():
            model = aggregates()[aggregate]
            for page in _pages(aggregate):
                cases += _heal_page(model, aggregate, page, proofs)
                tell(len(page))
        if dry_run:
            transaction.set_rollback(True)
    return cases


def lift_healed() -> int:
    """Takes the fence down around what is healed; how many. Not around what is changed, too, when
    something that is not healed yet is adopted: till then it holds what belongs to that. May run
    twice."""
    kept: set[tuple[str, str | None]] = set()  # None: all of that aggregate
    for aggregate in aggregates():
        for some in fence.in_parts(fence.unhealed(aggregate)):
            for other, keys in changed_by(aggregate, some):
                kept.update((other, key) for key in ([None] if keys is None else keys))
    return fence.lift_healed(
        lambda row: not kept.isdisjoint([(row.aggregate, row.key), (row.aggregate, None)])
    )


def raise_accepted() -> list[Case[Any]]:
    """What an operator has accepted is right as it is here: raised above what others know, and
    announced, so that they take it. May run twice."""
    cases: list[Case[Any]] = []
    with correlated(Correlation()):
        for aggregate, model in aggregates().items():
            accepted = list(fence.accepted_and_behind(aggregate))
            for start in range(0, len(accepted), PAGE):
                page = accepted[start : start + PAGE]
                cases += _heal_page(model, aggregate, page, Proofs({}), only_raise)
    return cases


def _pages(aggregate: str) -> Iterator[list[Fenced]]:
    """Rows that exist first."""
    rows = list(
        Fenced.objects.filter(lifted_at=None, healed_at=None, aggregate=aggregate).order_by(
            "is_forgotten", "key"
        )
    )
    for start in range(0, len(rows), PAGE):
        yield rows[start : start + PAGE]


def _heal_page(
    model: type[Aggregate],
    aggregate: str,
    page: Sequence[Fenced],
    proofs: Proofs,
    adopt: Callable[[Sequence[Case[Any]]], None] | None = None,
) -> list[Case[Any]]:
    """One that cannot be healed keeps none beside it from being healed."""
    try:
        return _in_time(partial(_healed, model, aggregate, page, proofs, adopt))
    except Exception as error:
        if fault_of(error) in MOMENT:
            raise
        if len(page) > 1:
            log.warning("healing %d of %s failed, now one by one: %r", len(page), aggregate, error)
            alone = ([one] for one in page)
            return [
                case for one in alone for case in _heal_page(model, aggregate, one, proofs, adopt)
            ]
        log.exception("%s %s cannot be healed", aggregate, page[0].key)
        case: Case[Any] = Case(aggregate, page[0].key, None, _proven(page[0], model, proofs))
        case.undecidable(f"it failed: {error!r}")
        return [case]


def _in_time(heal_page: Callable[[], list[Case[Any]]]) -> list[Case[Any]]:
    """Again, while those who work with the same rows stand in the way: events are applied
    meanwhile."""
    for pause in PAUSES:
        try:
            return heal_page()
        except Exception as error:
            # one transaction around all of it cannot be gone on with
            if fault_of(error) not in (Fault.LOCKED, Fault.BUSY) or connection.in_atomic_block:
                raise
            log.warning("a page is tried again: %s", error)
        time.sleep(pause)
    return heal_page()


@transaction.atomic
def _healed(
    model: type[Aggregate],
    aggregate: str,
    page: Sequence[Fenced],
    proofs: Proofs,
    adopt: Callable[[Sequence[Case[Any]]], None] | None,
) -> list[Case[Any]]:
    keys = [one.key for one in page]
    rows = {
        row.subject: row
        for row in model._base_manager.select_for_update().filter(pk__in=keys).order_by("pk")
    }
    cases: list[Case[Any]] = [
        Case(aggregate, one.key, rows.get(one.key), _proven(one, model, proofs)) for one in page
    ]
    if adopt is None:
        _adopt(aggregate, cases, proofs)
    else:
        adopt(cases)
    for case in cases:
        if not case.events and not case.problem:
            case.undecidable("this service's way of taking it back did nothing")
    done = [case for case in cases if case.events]
    model._base_manager.bulk_create(_rows(done, made=True))
    save_changed(_rows(done, made=False), *_fields(model))
    with skipped("taken back after a restore: it may have been done before"):
        publish(*(event for case in done for event in case.events))
    carried_out.note(
        {
            case.proven.begun_by: (aggregate, case.key)
            for case in done
            if case.is_made and case.proven.begun_by is not None
        }
    )
    fence.note_healed(aggregate, {case.key: case.became for case in done})
    failpoint(Failpoint.RESTORED_BEFORE_COMMIT)
    return cases


def _rows(cases: Sequence[Case[Any]], *, made: bool) -> list[Aggregate]:
    return [case.row for case in cases if case.row is not None and case.is_made == made]


def _adopt(aggregate: str, cases: Sequence[Case[Any]], proofs: Proofs) -> None:
    if (function := adoption_of(aggregate)) is None:
        only_raise(cases)
        return
    for case in cases:
        if case.proven.why_not:
            case.undecidable(case.proven.why_not)
    function([case for case in cases if not case.problem], proofs)


def _proven(fenced: Fenced, model: type[Aggregate], proofs: Proofs) -> Proven:
    unasked = Proven(fenced.key, fenced.known_version, fenced.reported_by)
    return proofs.of(model).get(fenced.key, unasked)


def _fields(model: type[Aggregate]) -> list[str]:
    return [
        field.name
        for field in model._meta.concrete_fields
        if not field.primary_key and field.name not in OWN_FIELDS
    ]
