"""What was received: the ledger, what is parked, and the accounting."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db import connection
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from polder import this_service
from polder.admin.audit import DoneInVain
from polder.admin.filters import choices_filter
from polder.admin.operations import OperatedAdmin, Operation
from polder.admin.read_only import ReadOnlyAdmin, pretty_json
from polder.admin.templatetags.polder_admin import id_link
from polder.broker.names import dead_letter_queue, event_queue
from polder.contracts.event import Event
from polder.inbox.batch_errors import ConsumerHalted, TransientFailure
from polder.inbox.discard import NotParked, discard, restore
from polder.inbox.models import (
    LedgerEntry,
    ParkedEvent,
    ParkedState,
)
from polder.inbox.redrive import redrive
from polder.observability.timeline.find import in_ledger
from polder.replication.replica import replications
from polder.resync.fetching import aggregate_of, fetch_present
from polder.resync.runs import NotPossible

MOST_REASONS = 10_000  # parked rows that are looked through for the reasons that there are


def heard_types() -> Iterable[str]:
    return sorted(
        {name for service, name in Event.known if service in this_service.subscribes_to()}
    )


def queues() -> Iterable[str]:
    service = this_service.name()
    return [
        *(event_queue(service, publisher) for publisher in this_service.subscribes_to()),
        dead_letter_queue(service),
    ]


def reasons() -> Iterable[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT reason FROM (SELECT reason FROM polder_inbox_parkedevent ORDER BY "
            f"id DESC LIMIT {MOST_REASONS}) AS newest"
        )
        return sorted(reason for (reason,) in cursor.fetchall())


def redrive_it(parked: ParkedEvent, asked: Mapping[str, Any]) -> DoneInVain | None:
    if parked.state != ParkedState.PARKED:
        raise NotParked(f"it is {parked.state}, not parked")
    try:
        state = redrive(parked.pk)
    except (TransientFailure, ConsumerHalted) as error:
        # PostgreSQL's further lines may quote the row
        raise type(error)(str(error).partition("\n")[0]) from error
    if state != ParkedState.PARKED:
        return None
    parked.refresh_from_db()
    # which may quote the event, and audit rows stay
    return DoneInVain(f"parked again: {parked.reason}; its page has the error")


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "publisher",
        "type",
        "subject",
        "version",
        "outcome",
        "occurred_at",
        "received_at",
        "applied_at",
    )
    list_filter = (
        "outcome",
        choices_filter("publisher", this_service.subscribes_to),
        choices_filter("type", heard_types),
    )
    search_fields = ("=id", "=subject", "=correlation_id")
    search_help_text = (
        "The id of an event, of its subject (an order, a product), or of the "
        "request that caused "
        "it."
    )

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> LedgerEntry | None:
        """The newest, should another publisher use the same id."""
        try:
            key = UUID(object_id)
        except ValueError:
            return None
        return LedgerEntry.objects.filter(pk=key).order_by("-applied_at").first()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The newest of each, by the ledger's own index: a list that pages through all of a product
        would read through the whole ledger."""
        if not search_term.strip():
            return queryset, False
        return queryset.filter(pk__in=in_ledger(search_term)), False


@admin.register(ParkedEvent)
class ParkedEventAdmin(OperatedAdmin):
    list_display = (
        "id",
        "queue",
        "type",
        "subject",
        "reason",
        "state",
        "times_seen",
        "first_seen_at",
        "last_seen_at",
    )
    list_filter = (
        "state",
        choices_filter("reason", reasons),
        choices_filter("queue", queues),
        choices_filter("type", heard_types),
    )
    search_fields = ("=event_id", "=subject", "=correlation_id")
    search_help_text = (
        "The id of an event, of its subject (an order, a product), or of the "
        "request that caused "
        "it."
    )
    fields = (
        *("state", "reason", "error", "present", "timeline", "queue", "event_id", "type"),
        *("subject", "correlation_id", "times_seen", "first_seen_at", "last_seen_at", "bulk"),
        *("message", "traceback_text"),
    )
    readonly_fields = ("present", "timeline", "message", "traceback_text")
    list_before_template = "polder_admin/parked_before.html"
    operations = (
        Operation(
            name="fetch",
            label="Fetch present state",
            explains="Their owner is asked for the present state of what these events are about, "
            "and the replica is made good. The events stay parked; redriven afterwards, they are "
            "stale by version.",
            run=lambda parked, asked: fetch_present([parked], "asked for in the admin"),
            permission="polder_replication.resync_replica",
            errors=(NotPossible,),
            applies=lambda parked: (
                parked.state == ParkedState.PARKED and bool(aggregate_of(parked))
            ),
            icon="sync",
        ),
        Operation(
            name="redrive",
            label="Redrive",
            explains="Each message is applied once more, in a transaction of its own, with the "
            "same event id. What fails again stays parked, "
            "with the new reason.",
            run=redrive_it,
            permission="polder_inbox.redrive_parkedevent",
            errors=(NotParked, TransientFailure, ConsumerHalted),
            applies=lambda parked: parked.state == ParkedState.PARKED,
            icon="replay",
            for_more="Parked, by cause, redrives any number in the background.",
        ),
        Operation(
            name="discard",
            label="Discard",
            explains="The messages are set aside for good: nobody will apply them. The rows stay "
            "and can be restored.",
            run=lambda parked, asked: discard(parked.pk),
            permission="polder_inbox.discard_parkedevent",
            errors=(NotParked,),
            applies=lambda parked: parked.state == ParkedState.PARKED,
            icon="delete",
        ),
        Operation(
            name="restore",
            label="Restore",
            explains="Discarded messages are parked again, so that they can be redriven.",
            run=lambda parked, asked: restore(parked.pk),
            permission="polder_inbox.discard_parkedevent",
            errors=(NotParked,),
            applies=lambda parked: parked.state == ParkedState.DISCARDED,
            icon="undo",
        ),
    )

    @admin.display(description="here at present")
    def present(self, parked: Model) -> str:
        assert isinstance(parked, ParkedEvent)
        return present_of(parked)

    @admin.display(description="timeline")
    def timeline(self, parked: Model) -> str:
        assert isinstance(parked, ParkedEvent)
        return id_link(parked.subject) if parked.subject else ""

    def message(self, parked: Model) -> str:
        assert isinstance(parked, ParkedEvent)
        return pretty_json(bytes(parked.body))

    @admin.display(description="Traceback")
    def traceback_text(self, parked: Model) -> str:
        assert isinstance(parked, ParkedEvent)
        return pretty_json(parked.traceback)


def present_of(parked: ParkedEvent) -> str:
    """What the replica has now, beside the version that the event reports."""
    aggregate = aggregate_of(parked)
    if not aggregate:
        return "It does not say of which replica it is, or none is kept here."
    row = replications[aggregate].model._base_manager.filter(pk=parked.subject).first()
    try:
        version = int(json.loads(bytes(parked.body))["aggregateversion"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        version = None
    if row is None:
        return f"No row of {aggregate} {parked.subject}: what this event tells is missing."
    told = f"{aggregate} is at version {row.version}, since {row.synced_at:%Y-%m-%d %H:%M:%S} UTC"
    if version is None:
        return f"{told}. The message names no version."
    if row.version >= version:
        return f"{told}. The event reports version {version}: nothing of it is missing any more."
    return f"{told}. The event reports version {version}, which is missing here."
