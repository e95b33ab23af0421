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
    ReservationEvent,
    ReservationStatus,
    StockChanged,
    StockConsumed,
    StockRejected,
    StockReleased,
    StockReserved,
)
from common.contracts.text import LARGEST_COUNT
from common.outbox.aggregate import save_changed
from common.outbox.publish import publish
from inventory_service.models import Movement, Order, Product, Reservation, Stock
from inventory_service.selectors import stock_locked

TOLD_BY: dict[ReservationStatus, type[ReservationEvent]] = {
    ReservationStatus.HELD: StockReserved,
    ReservationStatus.REJECTED: StockRejected,
    ReservationStatus.RELEASED: StockReleased,
    ReservationStatus.CONSUMED: StockConsumed,
}


class Effect(NamedTuple):
    """What one piece of a line does to the stock, and what the journal calls it."""

    name: Movement.Kind
    on_hand: int
    reserved: int


MOVED_BY: dict[ReservationStatus, Effect | None] = {
    ReservationStatus.HELD: Effect(Movement.Kind.RESERVE, 0, 1),
    ReservationStatus.REJECTED: None,
    ReservationStatus.RELEASED: Effect(Movement.Kind.RELEASE, 0, -1),
    ReservationStatus.CONSUMED: Effect(Movement.Kind.CONSUME, -1, -1),
}

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


def reservations_settle(*, undecided: Sequence[Order], consumed: Sequence[Reservation], released: Sequence[Reservation]) -> None:
    """Ends what is over and decides what is undecided, all in a handful of statements, each stock row locked and written once.

    What left the building is consumed, what is needed no more released; with what is then available every line of an
    undecided order is reserved or the order rejected with its shortages, one order after the other. `consumed` and `released`
    are locked and held, `undecided` are without a reservation; inside the caller's transaction.
    """
    lines = [line for row in (*consumed, *released) for line in row.lines] + [line for order in undecided for line in order.products]
    stock = stock_locked({line["productId"] for line in lines})
    ended = [*_end(consumed, ReservationStatus.CONSUMED, stock), *_end(released, ReservationStatus.RELEASED, stock)]
    decided = [_decide(order, stock) for order in undecided]
    save_changed(ended, "status")
    Reservation.objects.bulk_create(decided)
    events = [TOLD_BY[ReservationStatus(reservation.status)].of(reservation) for reservation in (*ended, *decided)]
    publish(*events, *_journal([*ended, *decided], stock))


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


def _end(reservations: Sequence[Reservation], status: ReservationStatus, stock: Mapping[str, Stock]) -> Sequence[Reservation]:
    for reservation in reservations:
        reservation.move_to(status)
        _move(reservation, stock)
    return reservations


def _decide(order: Order, stock: Mapping[str, Stock]) -> Reservation:
    """Takes the order's lines from `stock`, all or none. Of what is not in it, or retired, nothing is available."""
    lines = [{"productId": line["productId"], "quantity": line["quantity"]} for line in order.products]
    available = {product_id: row.available for product_id, row in stock.items() if row.product.retired_at is None}
    shortages = [line | {"available": there} for line in lines if (there := available.get(line["productId"], 0)) < line["quantity"]]
    status = ReservationStatus.REJECTED if shortages else ReservationStatus.HELD
    reservation = Reservation(order_id=order.pk, status=status, lines=lines, shortages=shortages)
    _move(reservation, stock)
    return reservation


def _move(reservation: Reservation, stock: Mapping[str, Stock]) -> None:
    """What coming to its status means for the stock."""
    if effect := MOVED_BY[ReservationStatus(reservation.status)]:
        for line in reservation.lines:
            stock[line["productId"]].on_hand += effect.on_hand * line["quantity"]
            stock[line["productId"]].reserved += effect.reserved * line["quantity"]


def _journal(reservations: Iterable[Reservation], stock: Mapping[str, Stock]) -> list[StockChanged]:
    """Journals every line, and writes each stock row once: one version, and one event, per product and transaction."""
    movements = [
        Movement(
            product_id=line["productId"],
            kind=effect.name,
            on_hand=effect.on_hand * line["quantity"],
            reserved=effect.reserved * line["quantity"],
            cause=reservation.pk,
        )
        for reservation in reservations
        if (effect := MOVED_BY[ReservationStatus(reservation.status)])
        for line in reservation.lines
    ]
    Movement.objects.bulk_create(movements)
    causes = {movement.product_id: str(movement.cause) for movement in reversed(movements)}  # the first one's
    touched = [stock[product_id] for product_id in sorted(causes)]
    for row in touched:
        row.change()
    save_changed(touched, "on_hand", "reserved")
    return [StockChanged.of(row, because_of=causes[row.pk]) for row in touched]
