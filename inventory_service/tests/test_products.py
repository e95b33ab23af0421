"""Use cases: adding products, and receiving what came in."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import transaction

from common.contracts.inventory import ProductCreated, StockChanged
from inventory_service.models import Movement, Product, Stock
from inventory_service.services import (
    ProductExists,
    StockLimit,
    UnknownProduct,
    product_create,
    stock_receive,
)
from inventory_service.tests.stocking import assert_conserved, create
from polder.contracts.types import LARGEST_COUNT
from polder.testing import published
from polder.testing.outbox import types_of


def test_a_product_begins_with_nothing_on_hand(db: None) -> None:
    # When
    changed = product_create(
        product_id="p1", name="Boots", price=Decimal("39.95"), currency="EUR", weight_grams=None
    )

    # Then
    created, stock = published()
    assert isinstance(created, ProductCreated)
    assert isinstance(stock, StockChanged)
    assert (
        created.id,
        created.data.name,
        created.data.price.amount,
        created.data.weight_grams,
    ) == (
        changed.event_id,
        "Boots",
        Decimal("39.95"),
        None,
    )
    assert (stock.data.on_hand, stock.data.reserved, stock.data.available) == (0, 0, 0)
    assert_conserved()


def test_a_product_that_exists(db: None) -> None:
    # Given
    create("p1")

    # When
    with pytest.raises(ProductExists):
        create("p1")

    # Then
    assert Product.objects.get().version == 1
    assert types_of(published()) == ["ProductCreated", "StockChanged"]


def test_keys_differ_by_case(db: None) -> None:
    create("p1")
    create("P1")
    assert Product.objects.count() == 2


def test_what_came_in_is_on_hand(db: None) -> None:
    # Given
    create("p1")

    # When
    stock_receive(product_id="p1", quantity=3)
    changed = stock_receive(product_id="p1", quantity=4)

    # Then
    assert (changed.stock.on_hand, changed.stock.version) == (7, 3)
    assert published()[-1].id == changed.event_id
    assert list(Movement.objects.order_by("id").values_list("kind", "on_hand", "reserved")) == [
        ("receive", 3, 0),
        ("receive", 4, 0),
    ]
    assert_conserved()


def test_receiving_an_unknown_product(db: None) -> None:
    with pytest.raises(UnknownProduct):
        stock_receive(product_id="p1", quantity=1)


def test_more_than_can_be_counted(db: None) -> None:
    # Given
    create("p1")
    stock_receive(product_id="p1", quantity=LARGEST_COUNT)

    # When
    with pytest.raises(StockLimit):
        stock_receive(product_id="p1", quantity=1)

    # Then
    assert Stock.objects.get().on_hand == LARGEST_COUNT
    assert_conserved()


def test_undone_with_its_transaction(db: None) -> None:
    create("p1")

    with transaction.atomic():
        stock_receive(product_id="p1", quantity=1)
        transaction.set_rollback(True)

    assert Stock.objects.get().on_hand == 0
    assert_conserved()
