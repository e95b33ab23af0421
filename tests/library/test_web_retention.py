"""Stored answers are kept for 24 hours at least, and then let go."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from polder.api import retention
from polder.api.models import IdempotentResponse
from polder.consumer.housekeeping import retention as housekeeping
from polder.consumer.jobs import run_if_due
from polder.consumer.models import JobRun
from polder.outbox.models import CarriedOut


def answered(hours_ago: float, count: int = 1) -> None:
    for number in range(count):
        row = IdempotentResponse.objects.create(
            caller="key:1", key=f"{hours_ago} {number}", request_hash="", status=200, body="{}"
        )
        IdempotentResponse.objects.filter(pk=row.pk).update(
            created_at=timezone.now() - timedelta(hours=hours_ago)
        )


def test_only_old_answers_are_forgotten(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given more than go at once
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    answered(24.1, count=5)
    answered(23.9)

    # When
    forgotten = [retention.forget_old_responses() for _ in range(2)]

    # Then
    assert forgotten == [5, 0]
    assert [row.key for row in IdempotentResponse.objects.all()] == ["23.9 0"]


def test_a_clock_that_was_set_forward_forgets_none(db: None) -> None:
    """By it all of them are old; the job tells by its own last run."""
    run_if_due("retention", lambda: None)
    answered(24.1)
    assert retention.forget_old_responses() == 0

    JobRun.objects.update(steady_since=timezone.now() - timedelta(days=1))
    assert retention.forget_old_responses() == 1


def carried_out(hours_ago: float) -> None:
    row = CarriedOut.objects.create(correlation_id=uuid4(), aggregate="order", key="k")
    CarriedOut.objects.filter(pk=row.pk).update(
        noted_at=timezone.now() - timedelta(hours=hours_ago)
    )


def test_what_was_carried_out_before_a_restore_is_known_for_as_long(
    db: None, settings: Any
) -> None:
    settings.POLDER = {**settings.POLDER, "ANSWERS_HOURS": 72}
    for hours in (71.9, 72.1):
        carried_out(hours)

    assert retention.forget_carried_out() == 1
    assert CarriedOut.objects.count() == 1


def test_a_clock_that_was_set_forward_forgets_nothing_of_it(db: None) -> None:
    run_if_due("retention", lambda: None)
    carried_out(24.1)
    assert retention.forget_carried_out() == 0


def test_the_housekeeper_forgets_them_too(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    # it would close the test's transaction
    monkeypatch.setattr("polder.consumer.housekeeping.close_old_connections", lambda: None)
    answered(24.1)

    # When
    gone = housekeeping()

    # Then
    assert gone["answers"] == 1
