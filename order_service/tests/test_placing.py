"""Placing an order: against the local copy of the catalogue, with its event in the same
transaction."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import transaction
from pydantic import ValidationError

from common.contracts.inventory import ProductRetired
from common.contracts.orders import Address, Customer, OrderCreated
from order_service.models import Order
from order_service.services import Accepted, Line, UnknownProducts, order_place
from polder.testing import deliver, published
from tests.makers import product_event

ADA = Customer.named("Ada", "ada@example.org")
HOME = Address(line1="Dijk 1", postal_code="1234 AB", city="Lelystad", country="NL")


def place(*lines: Line) -> Accepted:
    return order_place(customer=ADA, address=HOME, lines=lines)


def test_an_order_and_its_event_say_the_same(catalogue: None) -> None:
    # When
    placed = place(Line("p1", 2), Line("p2", 1))

    # Then
    order = Order.objects.get()
    (event,) = published()
    assert isinstance(event, OrderCreated)
    assert (event.id, event.subject, event.aggregateversion) == (placed.event_id, str(order.pk), 1)
    assert event.data == order.public_state()
    assert [
        (line.product_id, line.quantity, line.price.amount) for line in event.data.products
    ] == [
        ("p1", 2, Decimal("39.95")),
        ("p2", 1, Decimal("24.50")),
    ]


def test_the_price_is_that_of_the_moment(catalogue: None) -> None:
    # Given
    placed = place(Line("p1", 1))

    # When the price changes afterwards
    deliver(product_event(version=2, price="99.00"))

    # Then
    assert Order.objects.get().lines == [
        {"productId": "p1", "quantity": 1, "price": {"amount": "39.95", "currency": "EUR"}}
    ]
    assert Order.objects.get().pk == placed.order.pk


def test_undone_with_its_transaction(catalogue: None) -> None:
    with transaction.atomic():
        place(Line("p1", 1))
        transaction.set_rollback(True)

    assert not Order.objects.exists()
    assert published() == []


def test_what_cannot_be_published_is_not_kept(
    catalogue: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    def refuse(*events: object) -> None:
        raise OSError("no outbox")

    monkeypatch.setattr("order_service.services.publish", refuse)

    # When
    with pytest.raises(OSError, match="no outbox"):
        place(Line("p1", 1))

    # Then
    assert not Order.objects.exists()


@pytest.mark.parametrize("known", [False, True], ids=["unknown", "retired"])
def test_a_product_that_cannot_be_ordered(catalogue: None, known: bool) -> None:
    # Given
    if known:
        deliver(product_event(ProductRetired, product_id="p3", version=2))

    # When
    with pytest.raises(UnknownProducts) as refusal:
        place(Line("p1", 1), Line("p3", 1))

    # Then
    assert refusal.value.product_ids == ["p3"]
    assert not Order.objects.exists()
    assert published() == []


def test_a_quantity_outside_the_contract(catalogue: None) -> None:
    with pytest.raises(ValidationError):
        place(Line("p1", 0))
    assert not Order.objects.exists()
