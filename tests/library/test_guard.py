"""Ten ways around `publish()`: each is refused, at the latest at the commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import F
from django.test import RequestFactory
from uuid_utils.compat import uuid7

from common.contracts.orders import OrderCreated
from order_service.models import Order
from polder.conditions import conditions
from polder.domain.aggregate import save_changed
from polder.outbox.checks import the_guard_is_as_declared
from polder.outbox.guard.door import unguarded
from polder.outbox.guard.install import differences, install
from polder.outbox.guard.sql import line
from polder.outbox.models import GuardFinding
from polder.outbox.publish import publish
from polder.testing.database import other_connection

pytestmark = pytest.mark.django_db(transaction=True)
VALUES = {"customer_name": "Ada", "line1": "Dijk 1", "country": "NL", "lines": []}


@pytest.fixture(autouse=True)
def _emptied(committed: None) -> None:
    pass


@pytest.fixture
def order() -> Order:
    """Announced, at version 1."""
    with transaction.atomic():
        order = Order(id=uuid7(), **VALUES)
        order.save(force_insert=True)
        publish(OrderCreated.of(order))
    return Order.objects.get()


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


def test_the_usual_way(order: Order) -> None:
    order.move_to("confirmed")
    with transaction.atomic():
        save_changed([order], "status")
        publish(order.status_event())

    assert Order.objects.get().version == 2


def test_an_event_before_its_row_and_one_of_many(db: None) -> None:
    orders = [Order(id=uuid7(), **VALUES) for _ in range(600)]
    with transaction.atomic():
        publish(*(OrderCreated.of(order) for order in orders))
        Order.objects.bulk_create(orders)

    assert Order.objects.count() == 600


def test_several_versions_of_which_the_last_is_told(order: Order) -> None:
    """Nobody ever sees the one in between."""
    with transaction.atomic():
        order.change(customer_name="Eve")
        save_changed([order], "customer_name")
        order.change(customer_name="Eva")
        save_changed([order], "customer_name")
        publish(OrderCreated.of(order))

    assert Order.objects.get().version == 3


def test_an_event_that_somebody_writes_by_hand(order: Order) -> None:
    """What counts is that it is in the outbox."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE orders SET version = 2, customer_name = 'Eve'")
        cursor.execute(
            "INSERT INTO polder_outbox (id, type, aggregate_type, subject, version, "
            "correlation_id, body) SELECT %s, type, aggregate_type, subject, 2, correlation_id, "
            "body FROM polder_outbox",
            [uuid7()],
        )

    assert Order.objects.get().customer_name == "Eve"


def test_what_others_never_hear_of_may_change(order: Order) -> None:
    order.save()  # nothing of it has changed
    Order.objects.update(flagged_at="2026-01-01T00:00Z")

    assert Order.objects.get().flagged_at is not None


def test_a_key_that_looks_like_another_event(db: None) -> None:
    """What is noted of one event is not taken for another's."""
    assert line("order", 1, "a\norder 2 b\n").count("\n") == 2


def test_the_door(order: Order) -> None:
    with transaction.atomic():
        with unguarded("a repair"):
            Order.objects.update(customer_name="Eve")
            Order.objects.update(version=7)
            Order.objects.bulk_create([Order(id=uuid7(), **VALUES)])
        with pytest.raises(IntegrityError, match="customer_name changed"), transaction.atomic():
            Order.objects.update(customer_name="Mallory")

    assert set(Order.objects.values_list("customer_name", "version")) == {("Eve", 7), ("Ada", 1)}
    with pytest.raises(IntegrityError, match="was deleted"):
        order.delete()
    with pytest.raises(RuntimeError, match=r"inside transaction\.atomic"), unguarded("outside"):
        pass


def test_the_door_closes_when_what_was_done_inside_failed(order: Order) -> None:
    with transaction.atomic():
        with (
            pytest.raises(DataError),
            transaction.atomic(),
            unguarded("a repair"),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT 1 / 0")
        with pytest.raises(IntegrityError), transaction.atomic():
            Order.objects.update(customer_name="Eve")


@pytest.fixture
def mode(settings: Any) -> Iterator[Callable[[str], None]]:
    def put_in_force(mode: str) -> None:
        settings.POLDER = settings.POLDER | {"GUARD": mode}
        install()

    yield put_in_force
    put_in_force("refuse")


def test_reported_and_let_pass(
    mode: Callable[[str], None], order: Order, caplog: pytest.LogCaptureFixture
) -> None:
    mode("report")

    Order.objects.update(customer_name="Eve")
    order.change()
    order.save()
    Order.objects.all().delete()

    found = GuardFinding.objects.order_by("id").values_list("what", "key", "told")
    assert [(what, key) for what, key, _ in found] == [
        *(("unraised", str(order.pk)), ("unannounced", str(order.pk)), ("deleted", str(order.pk))),
    ]
    assert found[0][2] == "customer_name changed, and the version stayed 1"
    assert f"order {order.pk} version 2 has no event in the outbox" in caplog.text
    assert conditions["guard"].look().state == "warn"


def test_switched_off(mode: Callable[[str], None], order: Order) -> None:
    mode("off")

    Order.objects.all().delete()

    assert list(differences()) == []


def test_what_differs_is_told_and_put_right(order: Order, settings: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orders DISABLE TRIGGER polder_guard_deleted")
    assert list(differences()) == ["polder_guard_deleted of orders is switched off"]
    assert [one.id for one in the_guard_is_as_declared(["default"])] == ["polder.W002"]
    assert conditions["guard"].look().state == "warn"

    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER polder_guard_raised ON orders")
    assert list(differences()) == ["orders has no polder_guard_raised"]

    settings.POLDER = settings.POLDER | {"GUARD": "report"}
    install()
    settings.POLDER = settings.POLDER | {"GUARD": "refuse"}
    assert list(differences()) == ["the guard of orders is another than the one declared"]

    call_command("migrate", verbosity=0)
    assert list(differences()) == []
    with pytest.raises(IntegrityError):
        order.delete()


def test_a_column_may_be_changed_while_the_guard_stands(order: Order) -> None:
    """No trigger of ours is in the way of a migration, and none guards a column less for it."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orders ALTER COLUMN city TYPE varchar(120)")
        cursor.execute("ALTER TABLE orders ADD COLUMN note text")
        try:
            with pytest.raises(IntegrityError, match="note changed"):
                cursor.execute("UPDATE orders SET note = 'ring twice'")
        finally:
            cursor.execute("ALTER TABLE orders DROP COLUMN note")
            cursor.execute("ALTER TABLE orders ALTER COLUMN city TYPE varchar(100)")


def test_in_tests_that_roll_back(order: Order) -> None:
    """Django's TestCase asks for what is deferred at its end; a test may ask for it earlier."""
    with transaction.atomic():
        Order.objects.create(id=uuid7(), **VALUES)
        with pytest.raises(IntegrityError), transaction.atomic():
            connection.check_constraints()
        transaction.set_rollback(True)
