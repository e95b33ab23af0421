"""Repeated, shuffled, late: the same end, whatever the order in which events arrive."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from common.contracts.money import Money
from common.contracts.orders import Address, Customer, OrderCreated, OrderLine, OrderState, OrderStatus
from deploy.local.stack import Stack
from tests.invariants import Checker
from tests.load import Load
from tests.shop import OWNERS, Shop, duplicates, until
from tests.wire import send

TIMES = 10


def bodies(shop: Shop, owner: str, where: str = "TRUE") -> list[bytes]:
    """What the owner has in its outbox, oldest first."""
    return [body.encode() for (body,) in shop.rows(owner, f"SELECT body FROM outbox WHERE {where} ORDER BY position")]


def test_every_event_arrives_ten_times(shop: Shop, load: Load) -> None:
    # Given a shop with a past
    load.place(50)
    amqp_url = shop.variables["AMQP_URL"]
    before = duplicates(shop)

    # When every event of it is sent ten times more, while orders flow
    with load.flowing():
        sent = sum(send(amqp_url, f"{owner}.events", bodies(shop, owner)[-200:] * TIMES) for owner in OWNERS)

    # Then the ledger counts them all as duplicates (and nothing else moves, as the checker sees)
    until(lambda: duplicates(shop) >= before + sent, f"{sent} duplicates counted")


def test_all_events_arrive_shuffled_and_ten_times(stack: Stack, shop: Shop, load: Load, checker: Checker) -> None:
    # Given orders whose events nobody has seen yet, because no relay runs
    for owner in OWNERS:
        stack.stop_process(f"{owner}-relay")
    load.place(100)
    amqp_url = shop.variables["AMQP_URL"]

    # When the events of each owner in turn arrive ten times each, in any order
    for seed, owner in enumerate(("order", "inventory", "shipping", "order", "inventory", "shipping")):
        waiting = bodies(shop, owner, "published_at IS NULL") * TIMES
        assert waiting
        random.Random(seed).shuffle(waiting)
        send(amqp_url, f"{owner}.events", waiting)
        settled(shop, owner)

    # Then everything is decided already, and the relays add nothing but duplicates
    assert shop.rows("order", "SELECT count(*) FROM orders WHERE status = 'pending'") == [(0,)]
    checker.expect_disorder()
    for owner in OWNERS:
        stack.start_process(f"{owner}-relay")


def settled(shop: Shop, owner: str) -> None:
    """Waits until the other services have every event of the owner, published or not."""
    sent = {key for (key,) in shop.rows(owner, "SELECT id FROM outbox")}
    for subscriber in set(OWNERS) - {owner}:
        until(lambda: sent <= {key for (key,) in shop.rows(subscriber, "SELECT id FROM ledger")}, f"{subscriber} has everything of {owner}")  # noqa: B023


def test_a_late_commit_of_an_early_position_is_published(shop: Shop, load: Load) -> None:
    """A relay that reads on from the last position it saw would lose it: positions are drawn at insert and seen at commit."""
    with shop.database("order") as connection:
        with connection.transaction():
            # Given an order that is written and not committed
            early = insert_order(connection)
            # When a hundred later ones are published
            load.place(100)
            until(lambda: not shop.rows("order", "SELECT FROM outbox WHERE published_at IS NULL"), "all later events are published")
        # Then the early one is published all the same (and settled, as the checker sees)
        until(lambda: shop.rows("order", "SELECT published_at FROM outbox WHERE id = %s", early)[0][0], "the early event is published")


def insert_order(connection: psycopg.Connection[Any]) -> UUID:
    """What `order_place` writes, by hand; the id of its event."""
    line = OrderLine(product_id="p3", quantity=1, price=Money(amount="1.20", currency="EUR"))  # type: ignore[arg-type]
    order_id = uuid7()
    state = OrderState(
        order_id=order_id,
        status=OrderStatus.PENDING,
        customer=Customer(name="Late Bird", email="late@example.org"),
        shipping_address=Address(line1="Dijk 2", postal_code="2611 AB", city="Delft", country="NL"),
        products=(line,),
    )
    event = OrderCreated.of(SimpleNamespace(subject=str(order_id), version=1, public_state=lambda: state))
    now = datetime.now(UTC)
    connection.execute(
        """
        INSERT INTO orders (id, version, created_at, updated_at, status, customer_name, customer_email, line1, postal_code, city, country, lines)
        VALUES (%s, 1, %s, %s, 'pending', 'Late Bird', 'late@example.org', 'Dijk 2', '2611 AB', 'Delft', 'NL', %s)
        """,
        [order_id, now, now, Jsonb([line.model_dump(mode="json", by_alias=True)])],
    )
    connection.execute(
        "INSERT INTO outbox (id, type, aggregate_type, subject, version, correlation_id, body) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [event.id, event.type, event.aggregatetype, event.subject, 1, event.correlationid, event.encode()],
    )
    return event.id
