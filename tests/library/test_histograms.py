"""The histograms: each event is counted once, whoever counts, and whatever is under way."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from polder.consumer.histograms import SECONDS, STEPS, count_new, counted
from polder.consumer.models import CountedUntil, Histogram
from polder.outbox.models import OutboxEvent
from polder.outbox.publish import publish
from polder.outbox.republish import republish
from polder.testing import deliver
from polder.testing.database import at_once, other_connection
from tests.makers import order_event, product_event


@pytest.fixture
def committed(transactional_db: None) -> None:
    count_new()


def number(name: str, of: str = "") -> int:
    found = counted().get((name, of))
    return sum(found.buckets) if found else 0


def test_each_event_is_counted_once(committed: None) -> None:
    deliver(product_event(), product_event(product_id="p2"), b"{")
    with transaction.atomic():
        publish(order_event())
    OutboxEvent.objects.update(published_at=timezone.now())

    assert [isinstance(one, int) for one in at_once(*[count_new] * 3)] == [True] * 3
    count_new()

    for name in ("deliver", "apply", "lag"):
        assert number(name, "inventory") == 2
    assert (number("publish"), number("batch")) == (1, 1)
    assert counted()["batch", ""].buckets[1] == 1  # two events
    assert counted()["batch", ""].total == 2


def test_what_is_announced_again_took_no_weeks(committed: None) -> None:
    with transaction.atomic():
        publish(order_event())
    OutboxEvent.objects.update(published_at=Now(), created_at=Now() - timedelta(weeks=3))
    count_new()
    before = counted()["publish", ""].total

    assert sum(republish(timezone.now() - timedelta(hours=1), timezone.now())) == 1
    OutboxEvent.objects.update(published_at=Now())
    count_new()

    assert counted()["publish", ""].total - before < 600


def test_a_bound_belongs_to_its_bucket(committed: None) -> None:
    """`le` is less or equal."""
    with transaction.atomic():
        publish(order_event())
    OutboxEvent.objects.update(published_at=Now(), created_at=Now() - timedelta(milliseconds=50))

    count_new()

    assert counted()["publish", ""].buckets[SECONDS.index(0.05)] == 1


def test_what_is_not_committed_yet_is_counted_later(committed: None) -> None:
    """It was stamped before others were counted that committed earlier."""
    insert = """
        INSERT INTO polder_ledger (id, publisher, type, subject, version, outcome, correlation_id,
            occurred_at, received_at) VALUES (%s, 'inventory', 'ProductCreated', 'p9', 1, 'applied',
            gen_random_uuid(), now(), now())
    """
    with other_connection() as other, other.transaction():
        other.execute(insert, [product_event().id])
        deliver(product_event())
        count_new()
        assert number("lag", "inventory") == 0

    count_new()

    assert number("lag", "inventory") == 2


def test_a_long_outage_is_caught_up_with(committed: None) -> None:
    deliver(product_event())
    long_ago = timezone.now() - timedelta(hours=2)
    CountedUntil.objects.update(until=long_ago)

    assert count_new() == STEPS
    assert number("lag", "inventory") == 0
    for _ in range(3):
        count_new()

    assert number("lag", "inventory") == 1


def test_a_clock_that_was_set_back_is_not_waited_for(committed: None) -> None:
    CountedUntil.objects.update(until=Now() + timedelta(days=1))
    count_new()
    before = number("lag", "inventory")

    deliver(product_event())
    count_new()

    assert number("lag", "inventory") == before + 1


def test_they_are_in_the_metrics_from_the_start(committed: None, client: Client) -> None:
    deliver(product_event())
    count_new()

    text = client.get("/metrics").content.decode()

    found = {family.name: family for family in text_string_to_metric_families(text)}
    lag = {
        (one.name, one.labels.get("publisher"), one.labels.get("le")): one.value
        for one in found["polder_lag_seconds"].samples
    }
    assert lag["polder_lag_seconds_bucket", "inventory", "+Inf"] == 1
    assert lag["polder_lag_seconds_count", "inventory", None] == 1
    assert lag["polder_lag_seconds_count", "shipping", None] == 0
    assert found["polder_batch_events"].samples
    assert found["polder_publish_seconds"].samples


def test_rows_are_found_by_an_index(db: None) -> None:
    assert not Histogram.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for table, column in (("polder_ledger", "applied_at"), ("polder_outbox", "published_at")):
            cursor.execute(f"EXPLAIN SELECT * FROM {table} WHERE {column} >= now()")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Bitmap Index Scan" in plan, plan
