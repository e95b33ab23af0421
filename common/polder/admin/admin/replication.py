"""Copies of what others decided, and what was found to be wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models.functions import Now

from polder.admin.filters import is_set_filter
from polder.admin.operations import OperatedAdmin, Operation
from polder.admin.read_only import ReadOnlyAdmin, with_pretty_json
from polder.replication.models import Drift, Regression, ReplicaState
from polder.replication.replica import Replica
from polder.resync import runs
from polder.resync.runs import NotPossible

for model in apps.get_models():
    if issubclass(model, Replica):
        options = {
            "search_fields": ("=key",),
            "search_help_text": "The key: an order's or a product's id.",
        }
        admin.site.register(model, with_pretty_json(ReadOnlyAdmin, model, **options))


class NotOpen(ValueError):
    """The record is closed; somebody else was quicker, or a newer version has come."""


def close_drift(drift: Drift, asked: Mapping[str, Any]) -> None:
    if not Drift.objects.filter(pk=drift.pk, repaired_at=None).update(repaired_at=Now()):
        raise NotOpen("it is closed already")


@admin.register(Drift)
class DriftAdmin(OperatedAdmin):
    list_display = ("aggregate", "key", "kind", "found_by", "version", "found_at", "repaired_at")
    list_filter = (is_set_filter("repaired_at", "repaired"), "kind", "found_by")
    search_fields = ("=key", "=event_id")
    search_help_text = "The key of the aggregate, or the id of the event."
    operations = (
        Operation(
            name="close",
            label="Close",
            explains="The records are closed by hand: somebody has looked and the copy is right. "
            "Nothing else changes.",
            run=close_drift,
            permission="polder_replication.close_drift",
            errors=(NotOpen,),
            applies=lambda drift: drift.repaired_at is None,
            icon="done",
        ),
    )


def close(regression: Regression, asked: Mapping[str, Any]) -> None:
    if not Regression.objects.filter(pk=regression.pk, closed_at=None).update(closed_at=Now()):
        raise NotOpen("it is closed already")


@admin.register(Regression)
class RegressionAdmin(OperatedAdmin):
    list_display = (
        "aggregate",
        "key",
        "known_version",
        "sent_version",
        "times_seen",
        "found_at",
        "last_seen_at",
        "closed_at",
    )
    list_filter = (is_set_filter("closed_at", "closed"),)
    search_fields = ("=key", "=known_event_id", "=sent_event_id")
    search_help_text = "The key of the aggregate, or the id of one of the two events."
    operations = (
        Operation(
            name="close",
            label="Close",
            explains="The record is closed by hand. Nothing else changes: the replica keeps the "
            "version that it knows.",
            run=close,
            permission="polder_replication.close_regression",
            errors=(NotOpen,),
            applies=lambda regression: regression.closed_at is None,
            icon="done",
        ),
    )


def _operation(
    name: str, explains: str, run: Callable[[str], None], icon: str, *states: str
) -> Operation:
    return Operation(
        name=name,
        label=name.capitalize(),
        explains=explains,
        run=lambda state, asked: run(state.aggregate),
        permission="polder_replication.resync_replica",
        errors=(NotPossible,),
        applies=lambda state: state.state in states,
        icon=icon,
    )


@admin.register(ReplicaState)
class ReplicaStateAdmin(OperatedAdmin):
    list_display = (
        "aggregate",
        "told",
        "reason",
        "rows_done",
        "estimate",
        "rows_changed",
        "rows_removed",
        "trouble",
    )
    operations = (
        _operation(
            "resync",
            "The replicas are compared with their owners, row by row, and made good. Events go on.",
            lambda aggregate: runs.begin(aggregate, "asked for in the admin"),
            "sync",
            *("complete", "cancelled"),
        ),
        _operation("pause", "No more pages are asked for.", runs.pause, "pause", "filling"),
        _operation("resume", "It goes on where it was paused.", runs.resume, "resume", "paused"),
        _operation(
            "cancel",
            "The resync ends where it is. What has come stays.",
            runs.cancel,
            "stop",
            *("filling", "paused"),
        ),
    )
