"""What Prometheus expects of metrics: names, units, types, help; counters that only rise; series
that stay."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from uuid_utils.compat import uuid7

from polder import this_service
from polder.consumer.models import Sample
from polder.inbox.discard import discard, restore
from polder.inbox.models import ParkedEvent
from polder.inbox.redrive import redrive
from polder.observability.metrics import REASONS
from polder.replication.models import Drift
from polder.testing import deliver
from tests.makers import product_event, stock_event

# What is no base unit, as the linter of Prometheus has it.
OTHER_UNITS = (
    r"(^|_)(ms|s|sec|milli\w*|micro\w*|nano\w*|minutes?|hours?|days?|weeks?"
    r"|[kmg]i?b|kilobytes?|megabytes?|percent)(_|$)"
)

SUFFIXES = {
    "gauge": [""],
    "summary": [""],
    "counter": ["_total"],
    "histogram": ["_bucket", "_count", "_sum"],
}
RESERVED = {"quantile": "summary", "le": "histogram"}  # labels
Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(client: Client) -> str:
    response = client.get("/metrics")
    assert response.status_code == 200
    return response.content.decode()


def families(text: str) -> list[Metric]:
    return list(text_string_to_metric_families(text))


def series(client: Client) -> Series:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families(scrape(client))
        for sample in family.samples
    }


def test_names_units_types_and_help(client: Client, db: None) -> None:
    text = scrape(client)

    for family in families(text):
        names = {sample.name for sample in family.samples}
        assert family.documentation.endswith("."), family.name
        assert re.fullmatch(r"polder_[a-z][a-z0-9_]*", family.name), family.name
        assert not re.search(OTHER_UNITS, family.name), family.name
        # a counter's family lacks its _total
        assert not re.search(r"_(count|sum|bucket|gauge|counter|info|total)$", family.name), (
            family.name
        )
        suffixes = SUFFIXES[family.type]
        assert names <= {family.name + suffix for suffix in suffixes}, family.name
        assert all(sample.timestamp is None for sample in family.samples)
        labels = {label for sample in family.samples for label in sample.labels}
        assert all(RESERVED[label] == family.type for label in labels & set(RESERVED))
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len({line.rpartition(" ")[0] for line in lines}) == len(lines), "a series is there twice"
    assert all(
        re.fullmatch(r'[a-z_]+(\{([a-z]+="[^"]*",?)+\})? ([-+0-9.e]+|NaN)', line) for line in lines
    )


def test_what_is_known_in_advance_begins_with_zero(client: Client, db: None) -> None:
    found = series(client)

    for publisher in this_service.subscribes_to():
        assert (
            found["polder_deliveries_total", (("outcome", "conflict"), ("publisher", publisher))]
            == 0
        )
        assert found["polder_last_applied_timestamp_seconds", (("publisher", publisher),)] == 0
        assert found["polder_regressed_open", (("owner", publisher),)] == 0
    for reason in REASONS:
        assert found["polder_parked", (("reason", reason),)] == 0
    for job in ("reconcile", "partitions", "retention"):
        assert found["polder_job_last_success_timestamp_seconds", (("job", job),)] == 0


def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What is done to a service in its life, one after the other."""
    event = product_event()
    deliver(event, stock_event())
    yield "applied"
    deliver(event, b"{", product_event(name="Another name at the same version"))
    yield "a duplicate, an unreadable one and a conflict"
    with monkeypatch.context() as patch:
        patch.setattr("polder.inbox.processing.reconcile_changed", lambda changed: 1 / 0)
        deliver(product_event(product_id="p7"))
        yield "one is parked"
        redrive(ParkedEvent.objects.get(subject="p7").pk)
        yield "redriven in vain"
    redrive(ParkedEvent.objects.get(subject="p7").pk)
    yield "redriven"
    [unreadable] = ParkedEvent.objects.filter(reason="not-json")
    redrive(unreadable.pk)
    yield "an unreadable one redriven in vain"
    discard(unreadable.pk)
    yield "discarded"
    restore(unreadable.pk)
    yield "restored"
    deliver(product_event(version=2))
    yield "a newer version makes the drift good"
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM polder_ledger")
        cursor.execute("SELECT polder_outbox_drop_partitions(4), polder_ledger_drop_partitions(4)")
    yield "old weeks are dropped"


def test_counters_only_rise_and_series_stay(
    client: Client, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = series(client)
    counters = {
        f"{family.name}_total" for family in families(scrape(client)) if family.type == "counter"
    }
    assert counters

    for step in steps(monkeypatch):
        now = series(client)
        assert not before.keys() - now.keys(), (step, "series are gone")
        assert {key for key in before if key[0] in counters and now[key] < before[key]} == set(), (
            step,
            "a counter fell",
        )
        before = now


def test_a_silent_publisher_keeps_its_series_while_another_is_busy(
    client: Client, db: None
) -> None:
    # Given a publisher of which something was applied once
    deliver(product_event())
    key = ("polder_last_applied_timestamp_seconds", (("publisher", "inventory"),))
    applied = series(client)[key]
    assert applied > 1_700_000_000

    # When another fills the newest rows of the ledger
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO polder_ledger (id, publisher, type, subject, version, outcome, "
            "correlation_id, occurred_at, received_at, applied_at)"
            " VALUES (%s, 'shipping', 'ShipmentPrepared', 's', 1, 'applied', %s, now(), now(), "
            "now())",
            [(uuid7(), uuid7()) for _ in range(1_100)],
        )

    # Then
    assert series(client)[key] == applied


def test_what_nobody_has_looked_at_is_no_zero(client: Client, db: None) -> None:
    """Or all that waits would be missed from the accounts while the housekeeper is away."""
    key = (
        "polder_queue_waiting",
        (("publisher", "inventory"), ("queue", "order.from.inventory")),
    )
    assert math.isnan(series(client)[key])

    Sample.objects.create(name="queue", of="order.from.inventory", value=7, at=Now())
    assert series(client)[key] == 7
    Sample.objects.update(at=Now() - timedelta(minutes=4))
    assert math.isnan(series(client)[key])


def test_a_worker_that_has_only_duplicates_is_not_away(client: Client, db: None) -> None:
    event = product_event()
    deliver(event)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE polder_inbox_deliverycount SET last_at = now() - interval '1 hour'")
        cursor.execute("UPDATE polder_ledger SET applied_at = now() - interval '1 hour'")

    deliver(event)

    key = ("polder_last_applied_timestamp_seconds", (("publisher", "inventory"),))
    assert series(client)[key] > time.time() - 600


def test_a_drift_closes_when_a_newer_version_makes_it_good(client: Client, db: None) -> None:
    # Given a conflict about each of two products
    deliver(product_event(), product_event(product_id="p2"))
    deliver(product_event(name="Another name"), product_event(product_id="p2", name="Another name"))
    key = ("polder_drift_open", ())
    assert series(client)[key] == 2

    # When the same version comes again, and then a newer one of p1
    deliver(product_event(name="A third name"))
    assert series(client)[key] == 3
    deliver(product_event(version=2))

    # Then that of p2 stays open
    assert series(client)[key] == 1
    assert Drift.objects.get(repaired_at=None).key == "p2"
