"""A writer of the write comparison: for each line `<seconds>` it reads, writes orders for so long,
in all ways by turns, and prints as JSON how many a second each came to.

A turn is a quarter of a second of the clock, so all writers write the same way at the same time,
and whatever else the machine does hits all ways alike.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import django
from uuid_utils.compat import uuid7

if TYPE_CHECKING:
    from order_service.models import Order

READY = "ready"
ORM_OUTBOX = "outbox_by_orm"
# As the usual outbox packages have it: the body as JSON, an index to find what was not sent.
CREATE_ORM_OUTBOX = f"""
CREATE TABLE IF NOT EXISTS {ORM_OUTBOX} (
    id uuid PRIMARY KEY, type varchar(100) NOT NULL, subject varchar(64) NOT NULL,
        version bigint NOT NULL, payload jsonb NOT NULL,
    created_at timestamptz NOT NULL, published_at timestamptz);
CREATE INDEX IF NOT EXISTS {ORM_OUTBOX}_unpublished ON {ORM_OUTBOX} (created_at)
    WHERE published_at IS NULL;
GRANT ALL ON {ORM_OUTBOX} TO order_app;
"""
_INSERT = (
    "INSERT INTO polder_outbox (id, type, aggregate_type, subject, version, correlation_id, body) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s)"
)
_LINES = [
    {
        "productId": f"product-{number}",
        "quantity": number,
        "price": {"amount": "19.95", "currency": "EUR"},
    }
    for number in (1, 2, 3)
]
GUARDED = "publish"  # the only way with the guard on
WARMING_UP = 50  # transactions
TURN = 0.25  # seconds

Way = Callable[["Order"], None]


def message(order: Order) -> dict[str, Any]:
    """The event as one would put it together by hand: the same attributes and data, nothing
    validated."""
    key = uuid7()
    given, _, family = order.customer_name.rpartition(" ")
    return {
        "specversion": "1.0",
        "id": str(key),
        "source": "/order",
        "type": "OrderCreated",
        "subject": str(order.pk),
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "dataschema": "order/OrderCreated/2",
        "aggregatetype": "order",
        "aggregateversion": order.version,
        "correlationid": str(key),
        "data": {
            "retired": False,
            "orderId": str(order.pk),
            "status": order.status,
            "customer": {
                "givenName": given or family,
                "familyName": family if given else "",
                "email": order.customer_email,
            },
            "shippingAddress": {
                "line1": order.line1,
                "postalCode": order.postal_code,
                "city": order.city,
                "country": order.country,
            },
            "products": order.lines,
        },
    }


def ways() -> Mapping[str, Way]:
    """How an order's event may be written, by name; to be called once, after `django.setup()`."""
    from django.db import connection, models

    from polder.outbox.publish import publish

    class OutboxByOrm(models.Model):
        id = models.UUIDField(primary_key=True)
        type = models.CharField(max_length=100)
        subject = models.CharField(max_length=64)
        version = models.BigIntegerField()
        payload = models.JSONField()
        created_at = models.DateTimeField(auto_now_add=True)
        published_at = models.DateTimeField(null=True)

        class Meta:
            app_label = "benchmarks"
            managed = False
            db_table = ORM_OUTBOX

        def __str__(self) -> str:
            return f"{self.type} {self.subject}"

    def by_orm(order: Order) -> None:
        event = message(order)
        OutboxByOrm.objects.create(
            id=event["id"],
            type=event["type"],
            subject=event["subject"],
            version=event["aggregateversion"],
            payload=event,
        )

    def by_hand(order: Order) -> None:
        event = message(order)
        row = [
            event["id"],
            event["type"],
            "order",
            event["subject"],
            order.version,
            event["correlationid"],
            json.dumps(event),
        ]
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, row)

    def empty_statement(order: Order) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    return {
        "nothing": lambda order: None,
        GUARDED: lambda order: publish(order.status_event()),
        "unguarded": lambda order: publish(order.status_event()),
        "by_orm": by_orm,
        "by_hand": by_hand,
        "empty_statement": empty_statement,
    }


def place(way: Way) -> None:
    """The use case: one order and what announces it, or nothing, in one transaction."""
    from django.db import transaction

    from order_service.models import Order

    with transaction.atomic():
        order = Order(
            customer_name="Ada Waterman",
            customer_email="ada@example.org",
            line1="Dijk 1",
            postal_code="2611 AB",
            city="Delft",
            country="NL",
            lines=_LINES,
        )
        order.save(force_insert=True)
        way(order)


def guard(*, on: bool) -> None:
    """Of this session."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('polder.guard', %s, false)", ["" if on else "off"])


def rates(known: Mapping[str, Way], seconds: float) -> Mapping[str, float]:
    """Transactions a second of each way, in the time that was its own."""
    names, last = list(known), ""
    written, took = dict.fromkeys(names, 0), dict.fromkeys(names, 0.0)
    end = time.time() + seconds
    while (now := time.time()) < end:
        name = turn(names, now)
        if name != last:
            guard(on=name == GUARDED)
            last, now = name, time.time()
        place(known[name])
        written[name] += 1
        took[name] += time.time() - now
    return {name: written[name] / took[name] for name in names if took[name]}


def turn(names: Sequence[str], now: float) -> str:
    """Whose turn it is at that time. Each cycle begins one further, and every other one goes
    backwards: none has the same neighbours always."""
    cycle, place = divmod(int(now / TURN), len(names))
    return names[(cycle + (place if cycle % 2 else -place)) % len(names)]


def main() -> None:
    django.setup()
    known = ways()
    for name, way in known.items():
        guard(on=name == GUARDED)
        for _ in range(WARMING_UP):
            place(way)
    print(READY, flush=True)
    for line in sys.stdin:
        print(json.dumps(rates(known, float(line))), flush=True)


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "order_service.settings"
    main()
