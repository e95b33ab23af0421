"""The fence around what others know better than we do: while it stands, no use case, operation or
reconciler acts on it.

Everything that is done to an aggregate is published, so the one gate is in `publish()`.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import NamedTuple, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.db.models.functions import Now

from polder import this_service
from polder.contracts.event import Event
from polder.domain.aggregate import aggregates
from polder.errors.faults import NextTime
from polder.outbox.models import Fenced, OutboxEvent

log = logging.getLogger(__name__)

T = TypeVar("T")
AT_ONCE = 5_000  # keys that one statement is asked for

_healing: ContextVar[bool] = ContextVar("healing", default=False)

_PUT_UP = """
INSERT INTO polder_outbox_fenced AS fenced (aggregate, key, known_version, known_event_id,
    reported_by, is_forgotten, since, lifted_by, reason)
SELECT aggregate, key, version, event_id, %s, is_forgotten, now(), '', ''
FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::uuid[], %s::boolean[]) AS new(aggregate, key,
    version, event_id, is_forgotten)
ON CONFLICT (aggregate, key) WHERE lifted_at IS NULL DO UPDATE
SET known_version = excluded.known_version, known_event_id = excluded.known_event_id,
    reported_by = excluded.reported_by, healed_at = NULL
WHERE fenced.known_version < excluded.known_version
"""


class FencedAggregate(NextTime):
    """Another service knows a newer version of this aggregate than we have. Nothing was done;
    `fenced` says who and which."""

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


class Claim(NamedTuple):
    """What another service knows of us: an aggregate's version, and the event that told it."""

    aggregate: str
    key: str
    version: int
    event_id: UUID


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


def check(events: Iterable[Event]) -> None:
    """Raises FencedAggregate for the first event of an aggregate that others know at its version or
    above."""
    if _healing.get():
        return
    for event in events:
        fenced = Fenced.objects.filter(
            models.Q(known_version__gte=event.aggregateversion) | ~models.Q(healed_at=None),
            lifted_at=None,
            aggregate=event.aggregatetype,
            key=event.subject,
        )
        if found := fenced.first():
            raise FencedAggregate(found, None if found.is_forgotten else event.aggregateversion - 1)


@contextmanager
def open_to_the_healer() -> Iterator[None]:
    """What is published inside is what heals."""
    token = _healing.set(True)
    try:
        yield
    finally:
        _healing.reset(token)


def note_healed(aggregate: str, keys: Collection[str], reason: str) -> None:
    """Our rows are above what others know. The fence stands until `lift_healed`: what is healed in
    part is not acted on."""
    Fenced.objects.filter(lifted_at=None, aggregate=aggregate, key__in=keys).update(
        healed_at=Now(), reason=reason[:500]
    )


def lift_healed() -> int:
    """Takes the fence down around all that is healed; how many. May run twice."""
    return Fenced.objects.filter(lifted_at=None).exclude(healed_at=None).update(lifted_at=Now())


FORGOTTEN = "EXISTS (SELECT FROM polder_outbox_fenced WHERE lifted_at IS NULL AND is_forgotten)"


def check_nothing_forgotten() -> None:
    """Raises ForgottenAggregates while others know what we have no more."""
    if number := Fenced.objects.filter(lifted_at=None, is_forgotten=True).count():
        raise ForgottenAggregates(number)


@transaction.atomic
def put_up(claims: Sequence[Claim], reported_by: str) -> int:
    """Fences what the claims prove that we have forgotten; how many. Those that an operator has
    accepted stay as they are.

    A claim proves it when its event is not in our outbox and our row has a lower version, or is not
    there. May run twice.
    """
    behind = [
        (claim, version)
        for claim, version in _with_versions(_not_ours(claims))
        if version is None or version < claim.version
    ]
    accepted = _accepted({claim.key for claim, _ in behind})
    found = [
        (claim, version)
        for claim, version in behind
        if accepted.get((claim.aggregate, claim.key), 0) < claim.version
    ]
    if not found:
        return 0
    if not stands():
        transaction.on_commit(lambda: _tell(found[0][0], reported_by, len(found)))
    rows = sorted(
        {
            (claim.aggregate, claim.key): (*claim, version is None) for claim, version in found
        }.values()
    )
    with connection.cursor() as cursor:
        cursor.execute(
            _PUT_UP, [reported_by, *(list(column) for column in zip(*rows, strict=True))]
        )
    return len(rows)


def lift_overtaken() -> int:
    """Takes the fence down around the rows that are above what was reported; how many. May run at
    any time, twice, at once."""
    lifted = 0
    names = Fenced.objects.filter(lifted_at=None).order_by().values_list("aggregate", flat=True)
    for name in names.distinct():
        rows = Fenced.objects.filter(lifted_at=None, healed_at=None, aggregate=name)
        versions = _versions(name, list(rows.values_list("key", flat=True)))
        over = [row.pk for row in rows if (versions.get(row.key) or 0) > row.known_version]
        for some in _in_parts(over):
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
    know at our version or above."""
    newest: dict[str, Fenced] = {}
    for row in Fenced.objects.filter(aggregate=aggregate).exclude(lifted_by=""):
        if row.key not in newest or newest[row.key].known_version < row.known_version:
            newest[row.key] = row
    versions = _versions(aggregate, list(newest))
    for key in sorted(newest):
        if key in versions and versions[key] <= newest[key].known_version:
            yield newest[key]


def _tell(first: Claim, reported_by: str, number: int) -> None:
    log.critical(
        "the past of %s came back (restored from a backup?): %s knows %d of its aggregates "
        "better, such as version %d of %s %s; "
        "nothing acts on them until they are healed: %s",
        *(
            this_service.name(),
            reported_by,
            number,
            first.version,
            first.aggregate,
            first.key,
            this_service.command("restored"),
        ),
    )


def _not_ours(claims: Sequence[Claim]) -> list[Claim]:
    """Those whose event our outbox does not have: nearly always none. What it has, we know; of
    weeks that it dropped, versions tell."""
    if not claims:
        return []
    ids = [claim.event_id for claim in claims]
    ours = set(
        OutboxEvent.objects.filter(pk__in=ids, pk__gte=min(ids), pk__lte=max(ids)).values_list(
            "pk", flat=True
        )
    )
    return [claim for claim in claims if claim.event_id not in ours]


def _with_versions(claims: Sequence[Claim]) -> list[tuple[Claim, int | None]]:
    """Each with the version that we have, None where we have no row. Those of aggregates that we
    never owned, and of keys that none of ours has, are left out."""
    ours = [claim for claim in claims if _may_be_ours(claim)]
    keys: dict[str, list[str]] = {}
    for claim in ours:
        keys.setdefault(claim.aggregate, []).append(claim.key)
    versions = {name: _versions(name, names) for name, names in keys.items()}
    return [(claim, versions[claim.aggregate].get(claim.key)) for claim in ours]


def _may_be_ours(claim: Claim) -> bool:
    """Whether the key is one, and spelled as our events spell it."""
    model = aggregates().get(claim.aggregate)
    try:
        return model is not None and str(model._meta.pk.to_python(claim.key)) == claim.key
    except ValidationError:
        return False


def _versions(aggregate: str, keys: Sequence[str]) -> Mapping[str, int]:
    if (model := aggregates().get(aggregate)) is None:
        return {}
    return {
        str(key): version
        for some in _in_parts(keys)
        for key, version in model._base_manager.filter(pk__in=some).values_list("pk", "version")
    }


def _in_parts(keys: Sequence[T]) -> Iterator[Sequence[T]]:
    """A statement takes no more than 65,535 values."""
    return (keys[first : first + AT_ONCE] for first in range(0, len(keys), AT_ONCE))


def _accepted(keys: Collection[str]) -> dict[tuple[str, str], int]:
    """Up to which version an operator has accepted that we lack it."""
    rows = (
        Fenced.objects.filter(key__in=keys)
        .exclude(lifted_by="")
        .values_list("aggregate", "key", "known_version")
    )
    return {(aggregate, key): version for aggregate, key, version in sorted(rows)}
