"""Use cases of the inventory service: change state and publish, in one transaction."""

from __future__ import annotations

from collections.abc import Container, Mapping
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from uuid_utils.compat import uuid7

from common.contracts.inventory import (
    ProductChanged,
    ProductCreated,
    ProductRetired,
    StockChanged,
)
from inventory_service.models import Movement, Product, Stock
from polder.contracts.types import LARGEST_COUNT
from polder.database.partitioning import database_now
from polder.domain.aggregate import save_changed
from polder.domain.use_case import use_case
from polder.outbox import fence
from polder.outbox.publish import publish

PRODUCT_FIELDS = ("name", "price", "currency", "weight_grams")  # what a change may change


class ProductExists(ValueError):
    """There is a product of that id."""


class UnknownProduct(LookupError):
    """There is no product of that id."""


class RetiredProduct(ValueError):
    """The product is retired; creating it again brings it back."""


class VersionMismatch(ValueError):
    """The product is not at the version that the change was made for. `version` is what it is
    at.
    """

    def __init__(self, product_id: str, version: int) -> None:
        super().__init__(f"{product_id} is at version {version}")
        self.version = version


class StockLimit(ValueError):
    """More would be on hand than can be counted, or less than is reserved."""


class Changed(NamedTuple):
    product: Product
    stock: Stock
    event_id: UUID | None  # none when nothing changed


@use_case
def product_create(
    *, product_id: str, name: str, price: Decimal, currency: str, weight_grams: int | None
) -> Changed:
    """Adds a product, with nothing of it on hand; a retired one comes back, its versions going on.
    Raises ProductExists."""
    retired = (
        Product.objects.select_for_update().filter(pk=product_id).exclude(retired_at=None).first()
    )
    if retired is not None:
        return _bring_back(
            retired, name=name, price=price, currency=currency, weight_grams=weight_grams
        )
    product = Product(
        product_id=product_id, name=name, price=price, currency=currency, weight_grams=weight_grams
    )
    try:
        with transaction.atomic():
            product.save(force_insert=True)
    except IntegrityError as error:
        raise ProductExists(product_id) from error
    stock = Stock(product=product)
    stock.save(force_insert=True)
    created = ProductCreated.of(product)
    publish(created, StockChanged.of(stock))
    return Changed(product, stock, created.id)


@use_case
def product_change(
    *, product_id: str, versions: Container[int], changes: Mapping[str, Any]
) -> Changed:
    """Changes name, price, currency or weight_grams, of the product if it is at one of those
    versions; nothing, when it is all so already.

    Raises UnknownProduct, RetiredProduct or VersionMismatch.
    """
    product = _product_locked(product_id)
    if product.retired_at is not None:
        raise RetiredProduct(product_id)
    if product.version not in versions:
        raise VersionMismatch(product_id, product.version)
    if all(getattr(product, name) == value for name, value in changes.items()):
        fence.refuse([product_id], Product)
        return Changed(product, product.stock, None)
    product.change(**changes)
    save_changed([product], *PRODUCT_FIELDS)
    changed = ProductChanged.of(product)
    publish(changed)
    return Changed(product, product.stock, changed.id)


@use_case
def product_retire(*, product_id: str) -> Changed:
    """Takes a product out of what can be ordered; what is reserved stays reserved. Raises
    UnknownProduct or RetiredProduct."""
    product = _product_locked(product_id)
    if product.retired_at is not None:
        raise RetiredProduct(product_id)
    product.change(retired_at=database_now())
    save_changed([product], "retired_at")
    retired = ProductRetired.of(product)
    publish(retired)
    return Changed(product, product.stock, retired.id)


@use_case
def stock_receive(*, product_id: str, quantity: int) -> Changed:
    """Adds what came in. Raises UnknownProduct or StockLimit."""
    return _change_on_hand(product_id, quantity, Movement.Kind.RECEIVE)


@use_case
def stock_adjust(*, product_id: str, quantity: int, reason: str) -> Changed:
    """Corrects what is on hand by `quantity`, which may be negative. Raises UnknownProduct or
    StockLimit."""
    return _change_on_hand(product_id, quantity, Movement.Kind.ADJUST, reason)


def _product_locked(product_id: str) -> Product:
    product = (
        Product.objects.select_for_update(of=("self",))
        .select_related("stock")
        .filter(pk=product_id)
        .first()
    )
    if product is None:
        raise UnknownProduct(product_id)
    return product


def _bring_back(product: Product, **values: Any) -> Changed:
    product.change(retired_at=None, **values)
    save_changed([product], "retired_at", *PRODUCT_FIELDS)
    created = ProductCreated.of(product)
    publish(created)
    return Changed(product, product.stock, created.id)


def _change_on_hand(
    product_id: str, quantity: int, kind: Movement.Kind, reason: str = ""
) -> Changed:
    stock = (
        Stock.objects.select_for_update(of=("self",))
        .select_related("product")
        .filter(pk=product_id)
        .first()
    )
    if stock is None:
        raise UnknownProduct(product_id)
    if not stock.reserved <= stock.on_hand + quantity <= LARGEST_COUNT:
        raise StockLimit(
            f"{stock.on_hand} of {product_id} are on hand and {stock.reserved} of them reserved; "
            f"{quantity:+d} is not possible"
        )
    stock.change(on_hand=stock.on_hand + quantity)
    save_changed([stock], "on_hand")
    Movement.objects.create(
        product_id=product_id, kind=kind, on_hand=quantity, cause=uuid7(), reason=reason
    )
    changed = StockChanged.of(stock)
    publish(changed)
    return Changed(stock.product, stock, changed.id)
