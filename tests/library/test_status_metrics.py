"""/metrics: what Prometheus reads, and that it moves."""

from __future__ import annotations

import time
from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models.functions import Now
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from uuid_utils.compat import uuid7

from polder.observability import measures
from polder.outbox.models import OutboxEvent
from polder.outbox.publish import publish
from polder.replication.models import Drift
from polder.testing import deliver
from tests.every_row import drift_of
from tests.makers import order_event, product_event

ON_THE_OUTBOX = [
    measures.UNPUBLISHED,
    measures.OLDEST_UNPUBLISHED,
    measures.HELD,
    measures.LAST_APPLIED,
]


def scraped(client: Client) -> dict[str, float]:
    """`name{label=value,...}` -> number."""
    response = client.get("/metrics")
    assert response.status_code == 200
    samples = [
        sample
        for family in text_string_to_metric_families(response.content.decode())
        for sample in family.samples
    ]
    return {
        sample.name
        + "".join(
            f"{{{name}={value}}}" for name, value in sorted(sample.labels.items())
        ): sample.value
        for sample in samples
    }


def test_of_a_service_that_has_done_nothing(client: Client, db: None) -> None:
    numbers = scraped(client)

    nothing = (
        "polder_outbox_unpublished",
        "polder_outbox_oldest_unpublished_seconds",
        "polder_outbox_held",
        "polder_drift_open",
    )
    assert [numbers[name] for name in nothing] == [0, 0, 0, 0]
    assert all(
        numbers[f"polder_partition_ahead_seconds{{table={table}}}"] > 7 * 86_400
        for table in ("polder_outbox", "polder_ledger")
    )
    assert all(name.startswith("polder_") for name in numbers)


def test_what_is_published_shows(client: Client, db: None) -> None:
    # Given one published, one not, one held
    publish(order_event(), order_event(), order_event())
    published, waiting, held = OutboxEvent.objects.order_by("position").values_list("pk", flat=True)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE polder_outbox SET published_at = now() WHERE id = %s", [published])
        cursor.execute("UPDATE polder_outbox SET held_at = now() WHERE id = %s", [held])
        cursor.execute(
            "UPDATE polder_outbox SET created_at = now() - interval '90 seconds' WHERE id = %s",
            [waiting],
        )

    # Then
    numbers = scraped(client)
    assert (numbers["polder_outbox_unpublished"], numbers["polder_outbox_held"]) == (1, 1)
    assert 90 <= numbers["polder_outbox_oldest_unpublished_seconds"] < 120


def test_what_is_applied_shows(client: Client, db: None) -> None:
    # Given
    event = product_event()
    deliver(event)
    deliver(event, b"{")

    # Then
    numbers = scraped(client)
    deliveries = {
        name: number
        for name, number in numbers.items()
        if name.startswith("polder_deliveries_total") and number
    }
    assert deliveries == {
        "polder_deliveries_total{outcome=applied}{publisher=inventory}": 1,
        "polder_deliveries_total{outcome=duplicate}{publisher=inventory}": 1,
        "polder_deliveries_total{outcome=unreadable}{publisher=inventory}": 1,
    }
    assert [
        number for name, number in numbers.items() if name.startswith("polder_parked") and number
    ] == [1]
    assert numbers["polder_last_applied_timestamp_seconds{publisher=inventory}"] > 1_700_000_000


def test_drift_shows_until_it_is_repaired(client: Client, db: None) -> None:
    # Given
    drift = drift_of("inventory.product", "p1")
    assert scraped(client)["polder_drift_open"] == 1

    # When
    Drift.objects.filter(pk=drift.pk).update(repaired_at=drift.found_at)

    # Then
    assert scraped(client)["polder_drift_open"] == 0


@pytest.mark.parametrize("statement", ON_THE_OUTBOX)
def test_no_statement_reads_a_big_table_through(db: None, statement: str) -> None:
    with connection.cursor() as cursor:
        # so that only a missing index leaves nothing else
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {statement}")
        plan = [line for (line,) in cursor.fetchall()]

    assert not [line for line in plan if "Seq Scan" in line]
    assert [line for line in plan if "Index" in line]


def test_a_statement_ends_in_time(db: None) -> None:
    with pytest.raises(OperationalError, match="statement timeout"):
        measures.measured("SELECT pg_sleep(20)")


def test_no_number_when_the_database_is_away(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*statements: str) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(measures, "measured", away)

    response = client.get("/metrics")

    assert (response.status_code, b"polder_" in response.content) == (503, False)


def test_what_was_published_and_processed_of_the_same_minutes(client: Client, db: None) -> None:
    # Given events of three minutes ago, of now, and of long ago
    now = time.time()
    for age in (180, 0, 3600):
        event = product_event(product_id=f"p{age}")
        deliver(event.model_copy(update={"id": _made(now - age)}))
        own = order_event().model_copy(update={"id": _made(now - age)})
        with transaction.atomic():
            publish(own)
    OutboxEvent.objects.update(published_at=Now())

    # Then those of the five minutes up to the last but one are counted
    metrics = scraped(client)
    assert metrics["polder_recent_published"] == 1
    assert metrics["polder_recent_processed{publisher=inventory}"] == 1
    assert metrics["polder_recent_processed{publisher=shipping}"] == 0


def _made(at: float) -> UUID:
    """The id of an event that was made then."""
    return UUID(int=uuid7().int & (2**80 - 1) | round(at * 1000) << 80)
