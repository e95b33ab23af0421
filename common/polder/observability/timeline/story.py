"""The parts of several services put together: each event with what became of it at every
subscriber, what it led to, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from polder.contracts.event import Value
from polder.contracts.types import Timestamp
from polder.database.partitioning import moment_of
from polder.observability.timeline.shapes import Effect, Here, Parked, Part, Published, Received

GAP = timedelta(seconds=2)  # what was published longer ago should have been received


class Receipt(Value):
    """What became of an event at one subscriber. `applied_at` is left out of what was parked and
    redriven: by the ledger, that was done when it was parked."""

    service: str
    outcome: str  # as the ledger has it; or parked, discarded; missing, not known here
    received_at: Timestamp | None
    applied_at: Timestamp | None
    parked: int | None  # the number of the parked message, if it is one
    redriven_at: Timestamp | None
    led_to: tuple[UUID, ...]  # events of that service that answer it


class CarriedOut(Effect):
    """An effect, and which service carries it out."""

    service: str


class Entry(Value):
    """One event. `committed_at` is when it occurred where its outbox does not tell any more."""

    event_id: UUID
    service: str
    type: str
    aggregate: str | None
    version: int
    status: str | None
    correlation_id: UUID
    causation_id: UUID | None
    committed_at: Timestamp
    published_at: Timestamp | None
    held_at: Timestamp | None
    receipts: tuple[Receipt, ...]
    effects: tuple[CarriedOut, ...]


class Placed(Here):
    """A row, and in which service it is."""

    service: str


class Told(Value):
    """A sentence about one service, and since when it is so."""

    service: str
    what: str
    since: Timestamp | None


class Story(Value):
    """All that is known of a key. `silent`: services that did not answer, and why."""

    key: str
    at: Timestamp
    here: tuple[Placed, ...]
    waits: tuple[Told, ...]
    gaps: tuple[Told, ...]
    entries: tuple[Entry, ...]  # the oldest first
    unread: tuple[Told, ...]  # parked messages that name no event
    silent: tuple[Told, ...]
    is_cut: bool

    @property
    def is_empty(self) -> bool:
        return not (self.here or self.entries or self.unread or self.waits)


def story_of(parts: Sequence[Part], silent: Mapping[str, str], now: datetime) -> Story:
    """`parts` are of one key, the teller's own first."""
    entries = sorted(_entries(parts), key=lambda one: (one.committed_at, one.event_id))
    told = {one.event_id for one in entries}
    return Story(
        key=parts[0].key,
        at=now,
        here=tuple(_placed(parts)),
        waits=tuple(
            Told(service=part.service, what=one.what, since=one.since)
            for part in parts
            for one in part.waits
        ),
        gaps=tuple(_gaps(entries, parts, now)),
        entries=tuple(entries),
        unread=tuple(_unread(parts, told)),
        silent=tuple(
            Told(service=service, what=why, since=None) for service, why in sorted(silent.items())
        ),
        is_cut=any(part.is_cut for part in parts),
    )


def _entries(parts: Sequence[Part]) -> Iterator[Entry]:
    published = {one.event_id: (part.service, one) for part in parts for one in part.published}
    received = {one.event_id: one for part in parts for one in part.received}
    for event_id in published.keys() | received.keys():
        if event_id in published:
            service, told = published[event_id]
        else:
            service, told = received[event_id].publisher, _only_received(received[event_id])
        receipts = [_receipt(event_id, told.aggregate, part) for part in parts]
        found = dict(told)
        yield Entry(
            service=service,
            receipts=tuple(one for one in receipts if one is not None),
            effects=tuple(_effects(event_id, parts)),
            **found,
        )


def _only_received(one: Received) -> Published:
    """Its publisher keeps it no more, or did not answer."""
    return Published(
        event_id=one.event_id,
        type=one.type,
        aggregate=one.aggregate or "",
        version=one.version,
        status=None,
        correlation_id=one.correlation_id,
        causation_id=None,
        committed_at=one.occurred_at,
        published_at=None,
        held_at=None,
    )


def _receipt(event_id: UUID, aggregate: str, part: Part) -> Receipt | None:
    """None where the service does not subscribe to the aggregate, and has not heard of it."""
    led_to = tuple(one.event_id for one in part.published if one.causation_id == event_id)
    aside = next((one for one in part.parked if one.event_id == event_id), None)
    told = next((one for one in part.received if one.event_id == event_id), None)
    if told:
        outcome = aside.state if aside and told.outcome == "parked" else told.outcome
        return _made(part, outcome, aside, led_to, _times(told, aside))
    if aside:
        return _made(part, aside.state, aside, led_to, _times(None, aside))
    if aggregate not in part.keeps:
        return None
    since = part.known_since.get(aggregate)
    is_known = since is not None and moment_of(event_id) >= since
    return _made(part, "missing" if is_known else "not known here", None, led_to, {})


def _times(told: Received | None, aside: Parked | None) -> dict[str, datetime]:
    if aside and aside.state == "redriven":
        return {"received_at": aside.first_seen_at, "redriven_at": aside.last_seen_at}
    if told and told.outcome != "parked":
        return {"received_at": told.received_at, "applied_at": told.applied_at}
    first = told.received_at if told else aside and aside.first_seen_at
    return {"received_at": first} if first else {}


def _made(
    part: Part,
    outcome: str,
    aside: Parked | None,
    led_to: tuple[UUID, ...],
    times: Mapping[str, datetime],
) -> Receipt:
    return Receipt(
        service=part.service,
        outcome=outcome,
        received_at=times.get("received_at"),
        applied_at=times.get("applied_at"),
        parked=aside.id if aside else None,
        redriven_at=times.get("redriven_at"),
        led_to=led_to,
    )


def _effects(event_id: UUID, parts: Iterable[Part]) -> Iterator[CarriedOut]:
    for part in parts:
        for one in part.effects:
            if one.event_id == event_id:
                yield CarriedOut(service=part.service, **dict(one))


def _placed(parts: Iterable[Part]) -> Iterator[Placed]:
    for part in parts:
        for one in part.here:
            yield Placed(service=part.service, **dict(one))


def _gaps(entries: Sequence[Entry], parts: Sequence[Part], now: datetime) -> Iterator[Told]:
    """What was published, has not come and is not in the replica either; replicas that are
    behind."""
    versions = {
        (part.service, one.aggregate): one.version
        for part in parts
        for one in part.here
        if not one.owned
    }
    for entry in entries:
        for receipt in entry.receipts:
            since = entry.published_at
            if receipt.outcome != "missing" or since is None or now - since <= GAP:
                continue
            if versions.get((receipt.service, entry.aggregate or ""), 0) < entry.version:
                what = f"{entry.service}'s {entry.type}, version {entry.version}, has not come"
                yield Told(service=receipt.service, what=what, since=since)
    owners = {(one.aggregate): one for part in parts for one in part.here if one.owned}
    for part in parts:
        for one in part.here:
            owner = owners.get(one.aggregate)
            if not one.owned and owner and one.version < owner.version and now - owner.since > GAP:
                what = (
                    f"the replica of {one.aggregate} is at version {one.version}, and its owner at "
                    f"{owner.version}"
                )
                yield Told(service=part.service, what=what, since=owner.since)


def _unread(parts: Iterable[Part], told: set[UUID]) -> Iterator[Told]:
    for part in parts:
        for one in part.parked:
            if one.event_id not in told:
                what = f"{one.type or 'a message'}, number {one.id}, is {one.state}: {one.reason}"
                yield Told(service=part.service, what=what, since=one.first_seen_at)
