"""What a key waits for in this service, and since when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from polder.domain.aggregate import StatefulAggregate, aggregates
from polder.inbox.models import ParkedEvent, ParkedState, WaitingEvent
from polder.inbox.waiting import halts
from polder.observability.timeline.shapes import Effect, Here, Published, Wait
from polder.outbox.models import Fenced
from polder.plural import plural
from polder.reconcile.rules import Rules, rules_of
from polder.replication.models import Drift, Regression

MOST = 20  # of a kind
AT_ONCE = timedelta(seconds=2)  # what takes no longer is under way and waits for nothing
EFFECT_LATE = timedelta(minutes=1)  # then it was tried in vain, or nobody tries it


def waits(
    key: str, here: Sequence[Here], published: Sequence[Published], effects: Sequence[Effect]
) -> Iterator[Wait]:
    """What has to happen before it goes on, what is wrong first."""
    for halt in halts():
        yield Wait(what=f"this service applies no events: {halt.reason[:200]}", since=halt.since)
    for parked in ParkedEvent.objects.filter(subject=key, state=ParkedState.PARKED)[:MOST]:
        what = f"{parked.type or 'a message'} is parked ({parked.reason})"
        yield Wait(what=what, since=parked.first_seen_at)
    for one in WaitingEvent.objects.filter(subject=key, parked_at=None)[:MOST]:
        yield Wait(what=f"{one.type} from {one.publisher}: {one.signature[:200]}", since=one.since)
    yield from _wrong(key, [one.aggregate.partition(".")[2] for one in here if one.owned])
    yield from _unpublished(published)
    yield from _effects(effects)
    yield from _rules(key, here)


def _wrong(key: str, owned: Sequence[str]) -> Iterator[Wait]:
    """Records that a person closes, or a newer version."""
    for fenced in Fenced.objects.filter(key=key, aggregate__in=owned, lifted_at=None):
        what = f"fenced: {fenced.reported_by} knows version {fenced.known_version}"
        yield Wait(what=what, since=fenced.since)
    for drift in Drift.objects.filter(key=key, repaired_at=None)[:MOST]:
        what = f"the replica of {drift.aggregate} differs from its owner's row: {drift.kind}"
        yield Wait(what=what, since=drift.found_at)
    for regressed in Regression.objects.filter(key=key, closed_at=None)[:MOST]:
        what = f"the owner of {regressed.aggregate} sends older versions than are known here"
        yield Wait(what=what, since=regressed.found_at)


def _unpublished(published: Sequence[Published]) -> Iterator[Wait]:
    for event in published:
        if event.held_at:
            yield Wait(what=f"{event.type} is held: the broker refused it", since=event.held_at)
        elif event.published_at is None and _is_late(event.committed_at):
            yield Wait(what=f"the relay has to publish {event.type}", since=event.committed_at)


def _effects(effects: Sequence[Effect]) -> Iterator[Wait]:
    for one in effects:
        tried = plural(one.attempts, "attempt", "attempts")
        if one.state == "failed":
            yield Wait(what=f"the effect {one.effect} was given up after {tried}", since=one.since)
        elif one.state == "waiting" and _is_late(one.since, EFFECT_LATE):
            yield Wait(
                what=f"the effect {one.effect} has not happened, after {tried}", since=one.since
            )


def _is_late(since: datetime, after: timedelta = AT_ONCE) -> bool:
    return timezone.now() - since > after


def _rules(key: str, here: Sequence[Here]) -> Iterator[Wait]:
    """What others have to decide before an aggregate of ours moves on."""
    rules = {
        model: each for model, each in rules_of.items() if issubclass(model, StatefulAggregate)
    }
    service_of = {name: model for name, model in aggregates().items() if model in rules}
    upstream = {one.aggregate: one.status for one in here if not one.owned}
    for one in here:
        model = service_of.get(one.aggregate.partition(".")[2]) if one.owned else None
        if model is not None and one.status is not None:
            what = _of_rules(rules[model], one.status, upstream)
            if what and _is_late(one.since):
                yield Wait(what=f"{one.aggregate} is {one.status} {what}", since=one.since)


def _of_rules(rules: Rules, own: str, known: dict[str, str | None]) -> str:
    """Empty when nothing follows any more."""
    names = {name: replica.replica_of for name, replica in rules.upstream.items()}
    statuses = {name: known.get(aggregate) for name, aggregate in names.items()}
    if rule := rules.find(own, **statuses):
        why = f" when {rule.needs}" if rule.needs else ", within a minute"
        return f"and is to become {rule.then}{why}"
    waited = rules.waits_for(own, **statuses)
    told = [f"{names[name]} is {_either(waited[name])}" for name in sorted(waited)]
    return f"until {', or '.join(told)}" if told else ""


def _either(statuses: frozenset[str]) -> str:
    *others, last = sorted(map(str, statuses))
    return f"{', '.join(others)} or {last}" if others else last
