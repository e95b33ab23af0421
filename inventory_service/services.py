"""Use cases of the inventory service: change state and publish, in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Collection, Container, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, transaction
from uuid_utils.compat import uuid7

from common.contracts.inventory import (
    ProductChanged,
    ProductCreated,
    ProductRetired,
    ReservationStatus,
    StockChanged,
)
from inventory_service.booking import Booking
from inventory_service.models import Movement, Order, Owed, Product, Reservation, Stock
from inventory_service.rules import ON_HAND, OWED, RULES
from inventory_service.selectors import stock_locked
from polder.contracts.event import Event
from polder.contracts.types import LARGEST_COUNT
from polder.database.partitioning import database_now
from polder.domain.aggregate import save_changed
from polder.domain.use_case import use_case
from polder.outbox.publish import publish
from polder.reconcile.rules import ABSENT, Rule

log = logging.getLogger(__name__)

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


def reservations_follow(
    orders: Mapping[UUID, Order],
    reservations: Mapping[UUID, Reservation],
    shipments: Mapping[UUID, str],
) -> None:
    """Carries out the rules of each order's reservation, by the statuses of the order and its
    shipment: opens it where it is absent, and moves it.

    In a handful of statements for all of them, each stock row locked and written once. The
    reservations are locked, inside the caller's transaction, which holds the lock of each order's
    key.
    """
    first = {
        key: rule
        for key in orders.keys() | reservations.keys()
        if (rule := _rule(key, reservations.get(key), orders, shipments)) is not None
    }
    booking = Booking(_stock_of(first, orders, reservations))
    opened: dict[UUID, Reservation] = {}
    moved: dict[UUID, Reservation] = {}
    events: list[Event] = []
    for key in sorted(first, key=lambda key: (RULES.rules.index(first[key]), key)):
        reservation = reservations.get(key)
        while (rule := _rule(key, reservation, orders, shipments)) is not None:
            if reservation is not None:
                reservation.move_to(rule.then)
                moved[key] = reservation
            elif (reservation := _opened(orders[key], rule, booking)) is not None:
                opened[key] = reservation
            else:
                break
            booking.book(reservation)
            events.append(reservation.status_event())
    changed = booking.changed()
    save_changed([moved[key] for key in moved if key in reservations], "status")
    Reservation.objects.bulk_create(opened.values())
    Movement.objects.bulk_create(booking.movements)
    save_changed([row for row, _ in changed], "on_hand", "reserved")
    _note_owed([key for key, rule in first.items() if rule.otherwise == OWED], opened)
    stock_events = [StockChanged.of(row, caused_by=str(cause)) for row, cause in changed]
    publish(*events, *stock_events)


def _rule(
    key: UUID,
    reservation: Reservation | None,
    orders: Mapping[UUID, Order],
    shipments: Mapping[UUID, str],
) -> Rule | None:
    own = reservation.status if reservation else ABSENT
    order = orders[key].status if key in orders else None
    return RULES.find(own, order=order, shipment=shipments.get(key))


def _stock_of(
    keys: Collection[UUID],
    orders: Mapping[UUID, Order],
    reservations: Mapping[UUID, Reservation],
) -> dict[str, Stock]:
    lines = {
        key: reservations[key].lines if key in reservations else orders[key].products
        for key in keys
    }
    return stock_locked(
        {key: {line["productId"] for line in of_one} for key, of_one in lines.items()}
    )


def _opened(order: Order, rule: Rule, booking: Booking) -> Reservation | None:
    """All lines or none. Nothing while it waits for more stock."""
    lines = [
        {"productId": line["productId"], "quantity": line["quantity"]} for line in order.products
    ]
    shortages = booking.shortages(lines, retired_too=rule.needs == ON_HAND)
    if not shortages:
        return Reservation(order_id=order.pk, status=rule.then, lines=lines)
    if rule.otherwise == ReservationStatus.REJECTED:
        return Reservation(
            order_id=order.pk, status=rule.otherwise, lines=lines, shortages=shortages
        )
    log.warning(
        "order %s is %s and nothing is held for it; of %s there is too little: receive or adjust "
        "it",
        order.pk,
        order.status,
        [line["productId"] for line in shortages],
    )
    return None


def _note_owed(asked: Sequence[UUID], opened: Collection[UUID]) -> None:
    """Nobody tells when there is more of it; so the periodic reconciliation asks for these."""
    if asked:
        Owed.objects.filter(pk__in=[key for key in asked if key in opened]).delete()
        owed = [Owed(order_id=key) for key in asked if key not in opened]
        Owed.objects.bulk_create(owed, ignore_conflicts=True)


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
