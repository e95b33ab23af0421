"""The numbers of each minute, and what the overview makes of them and of the processes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from polder.broker.confirms import BROKER_ERRORS
from polder.consumer import samples
from polder.consumer.models import Sample
from polder.observability.processes import processes
from polder.outbox.publish import publish
from polder.testing import deliver
from polder.testing.admin_pages import superuser_client
from polder.testing.database import other_connection
from tests.makers import order_event, product_event


@pytest.fixture(autouse=True)
def depths(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker's answer; that it is asked at all, the whole shop's tests see."""
    monkeypatch.setattr("polder.consumer.samples.waiting_in", lambda queues: 7)


def test_what_is_noted_of_a_minute(db: None) -> None:
    deliver(product_event(), product_event(product_id="p2"))
    publish(order_event())
    deliver(b"{")

    samples.take()

    found = {(one.name, one.of): one.value for one in Sample.objects.all()}
    assert found["applied so far", "inventory"] == 2
    assert (found["unpublished", ""], found["parked", ""]) == (1, 1)
    assert 0 <= found["lag p50", "inventory"] <= found["lag p95", "inventory"]
    assert found["queue", "order.from.inventory"] == 7
    assert len(set(Sample.objects.values_list("at", flat=True))) == 1


def test_without_the_broker_all_else_is_noted(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(queues: object) -> int:
        raise BROKER_ERRORS[0]

    monkeypatch.setattr("polder.consumer.samples.waiting_in", away)

    assert samples.take() > 0
    assert not samples.series("queue")


def test_what_only_rises_is_told_per_minute(db: None) -> None:
    now = timezone.now()
    points = [(now + timedelta(minutes=at), value) for at, value in ((0, 5), (1, 65), (3, 65))]

    assert [value for _, value in samples.per_minute(points)] == [60, 0]


def test_a_day_is_kept(db: None) -> None:
    now = timezone.now()
    for age in (1, 24, 26):
        Sample.objects.create(name="parked", value=1, at=now - timedelta(hours=age))

    assert samples.forget_samples() == 1
    assert len(samples.series("parked", hours=2)[""]) == 1


def test_the_overview_draws_them(db: None) -> None:
    deliver(product_event())
    for _ in range(2):
        samples.take()

    page = superuser_client().get("/admin/").content.decode()

    assert "Lag of inventory, p50 and p95" in page
    assert page.count("<polyline") >= 5
    assert "order.from.inventory: 7 waiting" in page


def test_who_is_connected(db: None) -> None:
    with other_connection() as connection, connection.cursor() as cursor:
        cursor.execute("SET application_name = 'order-relay'")

        found = {one.role: one for one in processes()}

    assert found["relay"].connections == 1
    assert found["relay"].seen
    assert (found["worker"].seen, found["worker"].told) == (None, "no connection")
