"""Announcing again: what was published becomes unpublished, and nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from polder.observability.measures import OLDEST_UNPUBLISHED, rows
from polder.outbox import republish as republishing
from polder.outbox.models import OutboxEvent
from polder.outbox.publish import publish
from polder.outbox.republish import published_between, republish
from tests.makers import order_event


def event_made(ago: timedelta) -> OutboxEvent:
    """A published event whose id says that it was made then."""
    event = order_event()
    made = round((datetime.now(UTC) - ago).timestamp() * 1000)
    event = event.model_copy(
        update={"id": uuid7().__class__(int=made << 80 | event.id.int & (1 << 80) - 1)}
    )
    with transaction.atomic():
        publish(event)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE polder_outbox SET published_at = now() WHERE id = %s", [event.id])
    return OutboxEvent.objects.get(pk=event.id)


def unpublished() -> set[object]:
    return set(OutboxEvent.objects.filter(published_at=None).values_list("pk", flat=True))


def test_only_what_was_made_in_that_time(db: None) -> None:
    # Given
    old, middle, young = (event_made(timedelta(hours=hours)) for hours in (3, 2, 1))
    now = datetime.now(UTC)

    # When
    assert published_between(now - timedelta(minutes=150), now - timedelta(minutes=90)) == 1
    assert sum(republish(now - timedelta(minutes=150), now - timedelta(minutes=90))) == 1

    # Then
    assert unpublished() == {middle.pk}
    assert (
        OutboxEvent.objects.filter(pk__in=[old.pk, young.pk]).exclude(published_at=None).count()
        == 2
    )


def test_it_waits_since_it_was_announced_again(db: None) -> None:
    """And not since it was made: nobody is to be told that the relay is away."""
    event = event_made(timedelta(weeks=3))
    weeks_ago = timezone.now() - timedelta(weeks=3)
    OutboxEvent.objects.update(created_at=weeks_ago, attempts=4, retry_at=weeks_ago)

    assert sum(republish(weeks_ago - timedelta(hours=1), timezone.now())) == 1

    [[seconds]] = rows(OLDEST_UNPUBLISHED)
    assert seconds < 600
    event.refresh_from_db()
    assert event.attempts == 0, "or one refusal would hold it"


def test_chunk_by_chunk_each_once(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    monkeypatch.setattr(republishing, "CHUNK", 2)
    events = {event_made(timedelta(minutes=minutes)).pk for minutes in range(1, 6)}
    now = datetime.now(UTC)

    # When
    assert list(republish(now - timedelta(hours=1), now)) == [2, 2, 1]

    # Then
    assert unpublished() == events
    assert list(republish(now - timedelta(hours=1), now)) == []


def test_what_is_held_stays_held(db: None) -> None:
    # Given
    held = event_made(timedelta(minutes=5))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE polder_outbox SET published_at = NULL, held_at = now() WHERE id = %s", [held.pk]
        )

    # When
    now = datetime.now(UTC)
    assert list(republish(now - timedelta(hours=1), now)) == []

    # Then
    held.refresh_from_db()
    assert held.held_at is not None


def test_the_command_counts_first_and_says_what_it_did(db: None) -> None:
    event_made(timedelta(minutes=5))
    said = StringIO()

    call_command("republish", "--since", "1h", "--dry-run", stdout=said)
    assert "1 event " in said.getvalue()
    assert unpublished() == set()

    call_command(
        "republish", "--since", (datetime.now(UTC) - timedelta(hours=1)).isoformat(), stdout=said
    )
    assert "is unpublished again" in said.getvalue()
    assert len(unpublished()) == 1


def test_how_long_ago_is_by_the_database_s_clock(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    event_made(timedelta(minutes=30))
    monkeypatch.setattr(timezone, "now", lambda: datetime.now(UTC) + timedelta(days=1))
    said = StringIO()

    call_command("republish", "--since", "1h", "--dry-run", stdout=said)

    assert "1 event published since" in said.getvalue()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--since", "yesterday"],
        ["--since", "1h", "--until", "2h"],
        ["--since", "2026-13-40T00:00Z"],
    ],
)
def test_a_time_that_makes_no_sense_is_refused(db: None, arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="--since"):
        call_command("republish", *arguments)
