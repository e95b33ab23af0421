"""What `order_place` writes, by hand: so its transaction can be held open between the insert and
the commit."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from common.contracts.money import Money
from common.contracts.orders import (
    Address,
    Customer,
    OrderCreated,
    OrderLine,
    OrderState,
    OrderStatus,
)


def insert_order(connection: psycopg.Connection[Any]) -> UUID:
    """The id of its event."""
    line = OrderLine(product_id="p3", quantity=1, price=Money(amount="1.20", currency="EUR"))  # type: ignore[arg-type]
    order_id = uuid7()
    state = OrderState(
        order_id=order_id,
        status=OrderStatus.PENDING,
        customer=Customer.named("Late Bird", "late@example.org"),
        shipping_address=Address(line1="Dijk 2", postal_code="2611 AB", city="Delft", country="NL"),
        products=(line,),
    )
    event = OrderCreated.of(
        SimpleNamespace(subject=str(order_id), version=1, public_state=lambda: state)
    )
    now = datetime.now(UTC)
    connection.execute(
        """
        INSERT INTO orders (id, version, created_at, updated_at, status, customer_name,
            customer_email, line1, postal_code, city, country, lines)
        VALUES (%s, 1, %s, %s, 'pending', 'Late Bird', 'late@example.org', 'Dijk 2', '2611 AB',
            'Delft', 'NL', %s)
        """,
        [order_id, now, now, Jsonb([line.model_dump(mode="json", by_alias=True)])],
    )
    connection.execute(
        "INSERT INTO polder_outbox (id, type, aggregate_type, subject, version, correlation_id, "
        "body) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [
            event.id,
            event.type,
            event.aggregatetype,
            event.subject,
            1,
            event.correlationid,
            event.encode(),
        ],
    )
    return event.id
