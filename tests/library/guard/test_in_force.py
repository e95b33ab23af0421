"""The guard as it stands in the database: refusing, reporting, switched off, put right, and beside
migrations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection

from order_service.models import Order
from polder.conditions import conditions
from polder.outbox.checks import the_guard_is_as_declared
from polder.outbox.guard import install as guard
from polder.outbox.guard.install import differences, install
from polder.outbox.models import GuardFinding

pytestmark = pytest.mark.django_db(transaction=True)


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


@pytest.mark.parametrize(
    ("switched", "told"),
    [
        ("DISABLE TRIGGER", "polder_guard_deleted of orders is switched off"),
        ("ENABLE REPLICA TRIGGER", "polder_guard_deleted of orders is switched off"),
        ("ENABLE ALWAYS TRIGGER", None),
    ],
)
def test_a_trigger_that_does_not_fire_is_switched_off(
    order: Order, switched: str, told: str | None
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE orders {switched} polder_guard_deleted")
    assert list(differences()) == ([] if told is None else [told])
    install()

    with pytest.raises(IntegrityError):
        order.delete()


def test_a_role_whose_triggers_do_not_fire_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(differences()) == []
    monkeypatch.setattr(guard, "_ROLE", "SELECT 'replica'")  # which only a superuser may set

    assert list(differences()) == ["no trigger fires: session_replication_role is set to replica"]


def test_a_session_that_the_guard_lets_pass_is_told_of() -> None:
    """As of ALTER ROLE, or of a SET through a pooler, where it stays for whoever comes next."""
    with connection.cursor() as cursor:
        cursor.execute("SET polder.guard = 'off'")

    assert list(differences()) == [
        "polder.guard is set to off for this session, as by its role or database"
    ]


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


def test_a_table_in_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL has its triggers on each partition, too: they are no others, and cannot go."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE parted (LIKE orders) PARTITION BY HASH (id)")
        cursor.execute(
            "CREATE TABLE part PARTITION OF parted FOR VALUES WITH (MODULUS 1, REMAINDER 0)"
        )
    try:
        with monkeypatch.context() as patch:
            patch.setattr(Order._meta, "db_table", "parted")
            install()
            assert list(differences()) == []
            install()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE parted")
        install()
    assert list(differences()) == []
