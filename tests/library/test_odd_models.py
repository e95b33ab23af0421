"""Models as projects have them: proxies, managers that hide rows, inheritance, and columns that
write something else than they are in Python."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from django.db import connection, models
from django.test.utils import isolate_apps

from common.contracts.inventory import ProductChanged
from order_service.models import Order, Product
from order_service.services import Line, order_place
from polder.domain import aggregate
from polder.domain.aggregate import Aggregate, aggregates, save_changed
from polder.outbox.checks import aggregates_fit_their_contracts
from polder.replication import checks as replica_checks
from polder.replication import replica as replicas
from polder.replication.replica import Replica
from polder.resync import owner
from polder.resync.messages import PageRequest, Proven, RowsRequest
from polder.testing import deliver, make_event
from tests.library.resync.wire import ADA
from tests.makers import HOME, product_event

HERE = "order_service.models"


@pytest.fixture
def _apart() -> Iterator[None]:
    with isolate_apps("order_service"):
        yield


class Rotated(models.CharField):  # type: ignore[type-arg]
    """Stands for a field that encrypts."""

    def get_prep_value(self, value: Any) -> Any:
        return value if value is None else value[::-1]

    def from_db_value(self, value: Any, *_: object) -> Any:
        return value if value is None else value[::-1]


VALUES: dict[str, Any] = {
    "secret": "abc",
    "cover": b"\x00\xff",
    "scan": "a/b.pdf",
    "at": datetime(2026, 1, 2, 3, 4, 5, 678901, UTC),
    "opens": time(3, 4, 5, 678901),
    "lasts": timedelta(days=-1, microseconds=7),
    "address": "10.0.0.1",
    "more": {"a": [1, None]},
    "number": 7,
}


@pytest.mark.usefixtures("_apart")
@pytest.mark.parametrize("name", VALUES)
def test_what_is_changed_is_what_is_written(db: None, name: str) -> None:
    class Odd(Aggregate):
        secret = Rotated(max_length=20, default="")
        cover = models.BinaryField(default=b"")
        scan = models.FileField(default="", storage=default_storage)
        at = models.DateTimeField(null=True)
        opens = models.TimeField(null=True)
        lasts = models.DurationField(null=True)
        address = models.GenericIPAddressField(null=True)
        more = models.JSONField(default=dict)
        number = models.IntegerField(default=0)

        class Meta:
            app_label = "order_service"
            db_table = "odd"

    with connection.schema_editor() as editor:
        editor.create_model(Odd)
    row: Any = Odd.objects.create()
    row = Odd.objects.get()

    row.change(**{name: VALUES[name]})
    save_changed([row], name)

    found = getattr(Odd.objects.get(), name)
    assert (bytes(found) if name == "cover" else found) == VALUES[name]
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM odd")
        assert cursor.fetchone() == ("cba" if name == "secret" else "",)


@pytest.mark.usefixtures("_apart")
def test_a_proxy_is_no_other_aggregate(monkeypatch: pytest.MonkeyPatch) -> None:
    class Late(Order):
        class Meta:
            app_label = "order_service"
            proxy = True

    monkeypatch.setattr(aggregate.apps, "get_models", lambda: [Order, Late])
    aggregates.cache_clear()
    try:
        assert aggregates() == {"order": Order}
    finally:
        monkeypatch.undo()
        aggregates.cache_clear()


@pytest.mark.usefixtures("_apart")
def test_a_proxy_of_a_replica_is_no_other_replica(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "clashes", clashes := [])
    monkeypatch.setattr(replica_checks, "clashes", clashes)

    class Cheap(Product):
        class Meta:
            app_label = "order_service"
            proxy = True

    monkeypatch.setattr("polder.replication.checks.apps.get_models", lambda: [Product, Cheap])
    assert replica_checks.replicas_fit_their_contracts() == []


@pytest.mark.usefixtures("_apart")
def test_a_replica_with_a_field_that_encrypts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicas, "clashes", clashes := [])
    monkeypatch.setattr(replica_checks, "clashes", clashes)

    class Hidden(Replica, of="inventory.product"):
        name = Rotated(max_length=20)
        more = models.JSONField(default=dict)

        class Meta:
            app_label = "order_service"

    clashes.clear()
    monkeypatch.setattr("polder.replication.checks.apps.get_models", lambda: [Hidden])
    found = [one.msg for one in replica_checks.replicas_fit_their_contracts()]

    assert [told.partition(" that ")[0] for told in found if "writes" in told] == [
        "order_service.Hidden has a field 'name'"
    ]


@pytest.mark.usefixtures("_apart")
@pytest.mark.parametrize("is_child", [True, False])
def test_two_models_of_one_aggregate(monkeypatch: pytest.MonkeyPatch, is_child: bool) -> None:
    base: Any = Order if is_child else Aggregate

    class Again(base):  # type: ignore[misc]
        contract = Order.contract

        class Meta:
            app_label = "order_service"

    monkeypatch.setattr("polder.outbox.checks.apps.get_models", lambda: [Order, Again])

    told = [one for one in aggregates_fit_their_contracts() if one.id == "polder.E034"]

    assert [one.msg for one in told] == [
        "order_service.Again has its columns in two tables, of which one is that of order.Order."
        if is_child
        else "order.Order and order_service.Again have one contract, of order."
    ]


class Nobody(models.Manager):  # type: ignore[type-arg]
    """As of rows that are deleted softly."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().none()


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    for model in (Order, Product):
        manager = Nobody()
        manager.model = model
        monkeypatch.setitem(model._meta.__dict__, "default_manager", manager)


def test_rows_that_a_manager_hides_are_told(db: None, hidden: None) -> None:
    deliver(product_event())
    order = order_place(customer=ADA, address=HOME, lines=[Line("p1", 1)]).order
    about: Any = {"asker": "shipping", "request": uuid4(), "aggregate": "order"}

    page = owner.page_of(PageRequest(**about, after="", size=9))
    rows = owner.rows_of(RowsRequest(**about, keys=[Proven(key=str(order.pk))]))

    assert len(page.written) == len(rows.written) == 1  # type: ignore[attr-defined]
    assert rows.unknown == []


def test_rows_that_a_replica_s_manager_hides_are_known(db: None, hidden: None) -> None:
    deliver(make_event(ProductChanged, of="p1", version=2))

    again = make_event(ProductChanged, of="p1", version=2, name="Other")
    assert deliver(again).outcomes["inventory", "conflict"] == 1
