"""The fence around what others know better than we do: while it stands, no use case, operation or
reconciler acts on it.

Everything that is done to an aggregate is published, so the one gate is in `publish()`. What is
decided for good by an aggregate that is only read asks `refuse()`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import TypeVar

from django.db import connection, models
from django.db.models.functions import Cast, Now

from polder import this_service
from polder.contracts.event import Event
from polder.domain.aggregate import Aggregate, aggregate_name, aggregates
from polder.errors.faults import NextTime
from polder.outbox.models import Fenced

T = TypeVar("T")
A = TypeVar("A", bound=Aggregate)
AT_ONCE = 5_000  # keys that one statement is asked for

_healing: ContextVar[bool] = ContextVar("healing", default=False)

_NOTE_HEALED = """
UPDATE polder_outbox_fenced AS fenced SET healed_at = statement_timestamp(),
    reason = left(became, 500)
FROM unnest(%s::text[], %s::text[]) AS new(key, became)
WHERE lifted_at IS NULL AND aggregate = %s AND fenced.key = new.key
"""


class FencedAggregate(NextTime):
    """Another service knows a newer version of this aggregate than we have, or another one of that
    number. Nothing was done; `fenced` says who and which."""

    def __init__(self, fenced: Fenced, version: int | None) -> None:
        has = "this one has none" if version is None else f"this one has version {version}"
        super().__init__(
            f"{fenced.reported_by} knows version {fenced.known_version} of {fenced.aggregate} "
            f"{fenced.key}, {has}: restored from a backup? "
            f"Nothing acts on it until it is healed ({this_service.command('restored')}) or "
            "accepted (regressed --accept)"
        )
        self.fenced = fenced
        self.version = version


class ForgottenAggregates(RuntimeError):
    """Others know aggregates that we have no more. A request that makes something new may be one of
    those, repeated."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"others know {number} that {this_service.name()} has forgotten (restored from a "
            "backup?): nothing new is taken on request until "
            "they are healed or accepted, since what is asked for may have been carried out already"
        )


def stands() -> bool:
    """Whether anything of ours is fenced."""
    return Fenced.objects.filter(lifted_at=None).exists()


def stood_since(lately: datetime) -> datetime | None:
    """When the oldest fence was put up among those that stand, or stood lately."""
    found = Fenced.objects.filter(
        models.Q(lifted_at=None) | models.Q(lifted_at__gt=lately)
    ).aggregate(since=models.Min("since"))
    since: datetime | None = found["since"]
    return since


def fenced_keys(aggregate: str, keys: Collection[str]) -> set[str]:
    return set(
        Fenced.objects.filter(lifted_at=None, aggregate=aggregate, key__in=keys).values_list(
            "key", flat=True
        )
    )


def unfenced(rows: models.QuerySet[A]) -> models.QuerySet[A]:
    """Those of the rows that nobody knows better: for what publishes for many in one transaction,
    which one that is fenced would keep from all of them."""
    fenced = Fenced.objects.filter(
        lifted_at=None,
        aggregate=aggregate_name(rows.model),
        key=Cast(models.OuterRef("pk"), models.TextField()),
    )
    return rows.filter(~models.Exists(fenced))


def check(events: Iterable[Event]) -> None:
    """Raises FencedAggregate for the first event of an aggregate that others know at the version
    that it follows upon, or above."""
    if _healing.get():
        return
    for event in events:
        fenced = Fenced.objects.filter(
            models.Q(known_version__gte=event.aggregateversion - 1) | ~models.Q(healed_at=None),
            lifted_at=None,
            aggregate=event.aggregatetype,
            key=event.subject,
        )
        if found := fenced.first():
            raise FencedAggregate(found, None if found.is_forgotten else event.aggregateversion - 1)


def refuse(keys: Collection[str], *models_read: type[Aggregate]) -> None:
    """Raises FencedAggregate for the first of the rows of these models and keys, there or not, that
    others know better. For what decides by them for good, or answers by them, and publishes nothing
    of theirs."""
    names = [aggregate_name(model) for model in models_read]
    found = Fenced.objects.filter(lifted_at=None, aggregate__in=names, key__in=keys).first()
    if found is not None:
        raise FencedAggregate(found, versions_here(found.aggregate, [found.key]).get(found.key))


@contextmanager
def open_to_the_healer() -> Iterator[None]:
    """What is published inside is what heals."""
    token = _healing.set(True)
    try:
        yield
    finally:
        _healing.reset(token)


def note_healed(aggregate: str, became: Mapping[str, str]) -> None:
    """By key: what became of our rows, which are above what others know. The fence stands until
    `lift_healed`: what is healed in part is not acted on."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_HEALED, [list(became), list(became.values()), aggregate])


def healed_and_standing() -> Iterator[Fenced]:
    """What a healing that was broken off has left: each with its `reason`, which says what became
    of it."""
    yield from Fenced.objects.filter(lifted_at=None).exclude(healed_at=None).order_by("id")


def unhealed(aggregate: str) -> list[str]:
    """The keys of what is fenced and not healed."""
    rows = Fenced.objects.filter(lifted_at=None, healed_at=None, aggregate=aggregate)
    return list(rows.order_by("key").values_list("key", flat=True))


def lift_healed(but: Callable[[Fenced], bool]) -> int:
    """Takes the fence down around what is healed, `but` for some; how many. May run twice."""
    rows = Fenced.objects.filter(lifted_at=None).exclude(healed_at=None)
    over = [row.pk for row in rows if not but(row)]
    return sum(rows.filter(pk__in=some).update(lifted_at=Now()) for some in in_parts(over))


FORGOTTEN = "EXISTS (SELECT FROM polder_outbox_fenced WHERE lifted_at IS NULL AND is_forgotten)"


def check_nothing_forgotten() -> None:
    """Raises ForgottenAggregates while others know what we have no more."""
    if number := Fenced.objects.filter(lifted_at=None, is_forgotten=True).count():
        raise ForgottenAggregates(number)


def lift_overtaken() -> int:
    """Takes the fence down around the rows that are above what was reported; how many. May run at
    any time, twice, at once."""
    lifted = 0
    names = Fenced.objects.filter(lifted_at=None).order_by().values_list("aggregate", flat=True)
    for name in names.distinct():
        rows = Fenced.objects.filter(lifted_at=None, healed_at=None, aggregate=name)
        versions = versions_here(name, list(rows.values_list("key", flat=True)))
        over = [row.pk for row in rows if (versions.get(row.key) or 0) > row.known_version]
        for some in in_parts(over):
            lifted += Fenced.objects.filter(pk__in=some, lifted_at=None, healed_at=None).update(
                lifted_at=Now()
            )
    return lifted


def accept(rows: models.QuerySet[Fenced], *, by: str, reason: str) -> int:
    """An operator takes what we have for what is to be: the fence around these rows goes. How
    many.
    """
    return rows.filter(lifted_at=None).update(
        lifted_at=Now(), lifted_by=by[:150], reason=reason[:500]
    )


def accepted_and_behind(aggregate: str) -> Iterator[Fenced]:
    """The newest of what an operator has accepted of each row that we have, and that others still
    know at our version or above. Not of what is fenced again: somebody knows more than he knew."""
    newest: dict[str, Fenced] = {}
    for row in Fenced.objects.filter(aggregate=aggregate).exclude(lifted_by=""):
        if row.key not in newest or newest[row.key].known_version < row.known_version:
            newest[row.key] = row
    versions = versions_here(aggregate, list(newest))
    fenced = {key for some in in_parts(list(newest)) for key in fenced_keys(aggregate, some)}
    for key in sorted(newest.keys() - fenced):
        if key in versions and versions[key] <= newest[key].known_version:
            yield newest[key]


def versions_here(aggregate: str, keys: Sequence[str]) -> Mapping[str, int]:
    if (model := aggregates().get(aggregate)) is None:
        return {}
    return {
        str(key): version
        for some in in_parts(keys)
        for key, version in model._base_manager.filter(pk__in=some).values_list("pk", "version")
    }


def in_parts(keys: Sequence[T]) -> Iterator[Sequence[T]]:
    """A statement takes no more than 65,535 values."""
    return (keys[first : first + AT_ONCE] for first in range(0, len(keys), AT_ONCE))
