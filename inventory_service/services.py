"""Use cases of the inventory service: change state and publish, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from uuid_utils.compat import uuid7

from common.contracts.inventory import (
    ProductChanged,
    ProductCreated,
    ProductRetired,
    ReservationStatus,
    StockChanged,
    StockRejected,
    StockReleased,
    StockReserved,
)
from common.contracts.text import LARGEST_COUNT
from common.outbox.aggregate import save_changed
from common.outbox.publish import publish
from inventory_service.models import Movement, Order, Product, Reservation, Stock
from inventory_service.selectors import stock_locked_even_if_retired

PRODUCT_FIELDS = ("name", "price", "currency", "weight_grams")  # what a change may change


class ProductExists(ValueError):
    """There is a product of that id."""


class UnknownProduct(LookupError):
    """There is no product of that id."""


class RetiredProduct(ValueError):
    """The product is retired; creating it again brings it back."""


class VersionMismatch(ValueError):
    """The product is not at the version that the change was made for. `version` is what it is at."""

    def __init__(self, product_id: str, version: int) -> None:
        super().__init__(f"{product_id} is at version {version}")
        self.version = version


class StockLimit(ValueError):
    """More would be on hand than can be counted, or less than is reserved."""


class Changed(NamedTuple):
    product: Product
    stock: Stock
    event_id: UUID


@transaction.atomic
def product_create(*, product_id: str, name: str, price: Decimal, currency: str, weight_grams: int | None) -> Changed:
    """Adds a product, with nothing of it on hand; a retired one comes back, its versions going on. Raises ProductExists."""
    retired = Product.objects.select_for_update().filter(pk=product_id).exclude(retired_at=None).first()
    if retired is not None:
        return _bring_back(retired, name=name, price=price, currency=currency, weight_grams=weight_grams)
    product = Product(product_id=product_id, name=name, price=price, currency=currency, weight_grams=weight_grams)
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


@transaction.atomic
def product_change(*, product_id: str, version: int, changes: Mapping[str, Any]) -> Changed:
    """Changes name, price, currency or weight_grams, of the product at exactly that version.

    Raises UnknownProduct, RetiredProduct or VersionMismatch.
    """
    product = _product_locked(product_id)
    if product.retired_at is not None:
        raise RetiredProduct(product_id)
    if product.version != version:
        raise VersionMismatch(product_id, product.version)
    product.change(**changes)
    save_changed([product], *PRODUCT_FIELDS)
    changed = ProductChanged.of(product)
    publish(changed)
    return Changed(product, product.stock, changed.id)


@transaction.atomic
def product_retire(*, product_id: str) -> Changed:
    """Takes a product out of what can be ordered; what is reserved stays reserved. Raises UnknownProduct or RetiredProduct."""
    product = _product_locked(product_id)
    if product.retired_at is not None:
        raise RetiredProduct(product_id)
    product.change(retired_at=timezone.now())
    save_changed([product], "retired_at")
    retired = ProductRetired.of(product)
    publish(retired)
    return Changed(product, product.stock, retired.id)


@transaction.atomic
def stock_receive(*, product_id: str, quantity: int) -> Changed:
    """Adds what came in. Raises UnknownProduct or StockLimit."""
    return _change_on_hand(product_id, quantity, Movement.Kind.RECEIVE)


@transaction.atomic
def stock_adjust(*, product_id: str, quantity: int, reason: str) -> Changed:
    """Corrects what is on hand by `quantity`, which may be negative. Raises UnknownProduct or StockLimit."""
    return _change_on_hand(product_id, quantity, Movement.Kind.ADJUST, reason)


def reservations_decide(orders: Sequence[Order], stock: Mapping[str, Stock]) -> None:
    """Reserves every line of an order or rejects it with its shortages, one order after the other, all in a handful of statements.

    `stock` holds the locked rows of all products that can be reserved; what is missing in it is unknown or retired. Inside
    the caller's transaction, for orders without a reservation.
    """
    reservations = [_decide(order, stock) for order in orders]
    held = [reservation for reservation in reservations if reservation.status == ReservationStatus.HELD]
    Reservation.objects.bulk_create(reservations)
    touched = _move_stock(held, stock, Movement.Kind.RESERVE)
    publish(
        *(StockReserved.of(r) if r.status == ReservationStatus.HELD else StockRejected.of(r) for r in reservations),
        *(StockChanged.of(row) for row in touched),
    )


def reservations_release(reservations: Sequence[Reservation]) -> None:
    """Makes what is held available again. The reservations are locked and held, inside the caller's transaction."""
    stock = stock_locked_even_if_retired({line["productId"] for reservation in reservations for line in reservation.lines})
    for reservation in reservations:
        reservation.move_to(ReservationStatus.RELEASED)
        for line in reservation.lines:
            stock[line["productId"]].reserved -= line["quantity"]
    save_changed(reservations, "status")
    touched = _move_stock(reservations, stock, Movement.Kind.RELEASE)
    publish(*(StockReleased.of(reservation) for reservation in reservations), *(StockChanged.of(row) for row in touched))


def _product_locked(product_id: str) -> Product:
    product = Product.objects.select_for_update(of=("self",)).select_related("stock").filter(pk=product_id).first()
    if product is None:
        raise UnknownProduct(product_id)
    return product


def _bring_back(product: Product, **values: Any) -> Changed:
    product.change(retired_at=None, **values)
    save_changed([product], "retired_at", *PRODUCT_FIELDS)
    created = ProductCreated.of(product)
    publish(created)
    return Changed(product, product.stock, created.id)


def _change_on_hand(product_id: str, quantity: int, kind: Movement.Kind, reason: str = "") -> Changed:
    stock = Stock.objects.select_for_update(of=("self",)).select_related("product").filter(pk=product_id).first()
    if stock is None:
        raise UnknownProduct(product_id)
    if not stock.reserved <= stock.on_hand + quantity <= LARGEST_COUNT:
        raise StockLimit(f"{stock.on_hand} of {product_id} are on hand and {stock.reserved} of them reserved; {quantity:+d} is not possible")
    stock.change(on_hand=stock.on_hand + quantity)
    save_changed([stock], "on_hand")
    Movement.objects.create(product_id=product_id, kind=kind, on_hand=quantity, cause=uuid7(), reason=reason)
    changed = StockChanged.of(stock)
    publish(changed)
    return Changed(stock.product, stock, changed.id)


def _decide(order: Order, stock: Mapping[str, Stock]) -> Reservation:
    """Takes the order's lines from `stock`, all or none."""
    lines = [{"productId": line["productId"], "quantity": line["quantity"]} for line in order.products]
    shortages = [
        {**line, "available": available}
        for line in lines
        if (available := stock[line["productId"]].available if line["productId"] in stock else 0) < line["quantity"]
    ]
    if not shortages:
        for line in lines:
            stock[line["productId"]].reserved += line["quantity"]
    status = ReservationStatus.REJECTED if shortages else ReservationStatus.HELD
    return Reservation(order_id=order.pk, status=status, lines=lines, shortages=shortages)


def _move_stock(reservations: Iterable[Reservation], stock: Mapping[str, Stock], kind: Movement.Kind) -> list[Stock]:
    """Journals every line, and writes each stock row once: one version, and one event, per product and transaction."""
    sign = 1 if kind == Movement.Kind.RESERVE else -1
    movements = [
        Movement(product_id=line["productId"], kind=kind, reserved=sign * line["quantity"], cause=reservation.pk)
        for reservation in reservations
        for line in reservation.lines
    ]
    Movement.objects.bulk_create(movements)
    touched = [stock[product_id] for product_id in sorted({movement.product_id for movement in movements})]
    for row in touched:
        row.change()
    save_changed(touched, "reserved")
    return touched
