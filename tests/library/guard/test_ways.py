"""Ten ways around `publish()`: each is refused, at the latest at the commit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.db.models import F
from django.test import RequestFactory
from uuid_utils.compat import uuid7

from common.contracts.orders import OrderCreated
from order_service.models import Order
from polder.outbox.publish import publish
from polder.testing.database import other_connection
from tests.library.guard.orders import VALUES

pytestmark = pytest.mark.django_db(transaction=True)


def _save(order: Order) -> None:
    order.customer_name = "Eve"
    order.save()


def _save_with_a_version(order: Order) -> None:
    order.change(customer_name="Eve")
    order.save()


def _update(order: Order) -> None:
    Order.objects.update(customer_name="Eve")


def _bulk_update(order: Order) -> None:
    order.customer_name = "Eve"
    Order.objects.bulk_update([order], ["customer_name"])


def _bulk_create(order: Order) -> None:
    Order.objects.bulk_create([Order(id=uuid7(), **VALUES) for _ in range(3)])


def _delete(order: Order) -> None:
    order.delete()


def _delete_many(order: Order) -> None:
    Order.objects.all().delete()


def _admin_form(order: Order) -> None:
    """An admin of Django's own making, as somebody would register in a hurry."""
    request = RequestFactory().post("/")
    page = admin.ModelAdmin(Order, admin.AdminSite())
    form = page.get_form(request, order, fields=["customer_name"])(
        {"customer_name": "Eve"}, instance=order
    )
    page.save_model(request, form.save(commit=False), form, change=True)


def _f(order: Order) -> None:
    Order.objects.update(version=F("version") + 1, customer_name="Eve")


def _version_back(order: Order) -> None:
    Order.objects.update(version=F("version") - 1)


def _sql(order: Order) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders SET status = 'confirmed'")


def _other_key(order: Order) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders SET id = %s, version = 2", [uuid7()])


def _copy(order: Order) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY orders (id, status, customer_name, customer_email, line1, postal_code, city, "
            "country, lines, version) FROM STDIN"
        ) as copy,
    ):
        copy.write_row((uuid7(), "pending", "Eve", "", "", "", "", "NL", "[]", 1))


def _trigger(order: Order) -> None:
    """Somebody's own, that changes the row after ours would have looked at it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION zeal() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN NEW.customer_name := 'Eve'; RETURN NEW; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER zeal BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION zeal()"
        )
        cursor.execute("UPDATE orders SET flagged_at = now()")


def _second_connection(order: Order) -> None:
    with other_connection() as other:
        other.execute("SET search_path = pg_temp; UPDATE public.orders SET city = 'Delft'")


def _before_its_event_is_rolled_back(order: Order) -> None:
    order.change(customer_name="Eve")
    order.save()
    try:
        with transaction.atomic():
            publish(OrderCreated.of(order))
            raise RuntimeError
    except RuntimeError:
        pass


WAYS: list[Callable[[Order], None]] = [
    *(_save, _save_with_a_version, _update, _bulk_update, _bulk_create, _delete, _delete_many),
    *(_admin_form, _f, _version_back, _sql, _other_key, _copy, _trigger, _second_connection),
    _before_its_event_is_rolled_back,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__.strip("_"))
def test_a_way_around(way: Callable[[Order], None], order: Order) -> None:
    before = list(Order.objects.values())

    # When
    with pytest.raises(Exception, match=r"order .*: .*") as refused, transaction.atomic():
        way(order)

    # Then
    assert getattr(refused.value.__cause__ or refused.value, "sqlstate", "") == "23000"
    assert "publish()" in str(refused.value) or "version only rises" in str(refused.value)
    assert list(Order.objects.values()) == before
