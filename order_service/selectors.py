"""Reads of the order service."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from django.db.models import F, Q, QuerySet

from common.contracts.inventory import StockRejected, StockReserved
from common.contracts.money import Money
from common.contracts.orders import OrderStatus
from order_service.models import UNDECIDED, Order, Product, Reservation, Shipment, Stock
from polder.database.by_key import ByKey
from polder.database.partitioning import first_key_at, moment_of
from polder.inbox.models import LedgerEntry
from polder.inbox.waiting import waiting_subjects

DECISIONS = [StockReserved.__name__, StockRejected.__name__]

_orderable = ByKey(Product.objects.filter(retired_at=None).values_list("key", "price", "currency"))
_orders = ByKey(Order.objects.all())
_reservations = ByKey(Reservation.objects.values_list("key", "status"))
_shipments = ByKey(Shipment.objects.values_list("key", "status"))


def prices_of(product_ids: Collection[str]) -> dict[str, Money]:
    """Of those of the products that are known here and not retired."""
    return {
        key: Money(amount=amount, currency=currency)
        for key, amount, currency in _orderable(product_ids)
    }


def some_products(at_most: int = 20) -> list[str]:
    """Keys of products that can be ordered."""
    return list(product_list().values_list("key", flat=True)[:at_most])


def product_list() -> QuerySet[Product]:
    return Product.objects.filter(retired_at=None)


def stock_of(product_ids: Collection[str]) -> dict[str, Stock]:
    return Stock.objects.in_bulk(list(product_ids))


def order_list() -> QuerySet[Order]:
    return Order.objects.all()


def reservations_of(order_ids: Collection[UUID]) -> dict[UUID, Reservation]:
    return Reservation.objects.in_bulk(list(order_ids))


def shipments_of(order_ids: Collection[UUID]) -> dict[UUID, Shipment]:
    return Shipment.objects.in_bulk(list(order_ids))


def orders_locked(order_ids: Collection[str | UUID]) -> dict[UUID, Order]:
    """Those that exist, their rows locked in key order."""
    return {row.pk: row for row in _orders.locked(order_ids)}


def reservations_known(order_ids: Collection[str | UUID]) -> dict[UUID, str]:
    """The status of each order's reservation, as far as it is known here."""
    return dict(_reservations(order_ids))


def shipments_known(order_ids: Collection[str | UUID]) -> dict[UUID, str]:
    """The status of each order's shipment, as far as it is known here."""
    return dict(_shipments(order_ids))


def orders_to_flag(undecided_since: datetime) -> QuerySet[Order]:
    """Without the word that they wait for, since they were placed or since they were to be
    cancelled, and not flagged since then."""
    placed = Q(status=OrderStatus.PENDING, created_at__lt=undecided_since, flagged_at=None)
    unflagged = Q(flagged_at=None) | Q(flagged_at__lt=F("updated_at"))
    cancelling = Q(status=OrderStatus.CANCELLING, updated_at__lt=undecided_since) & unflagged
    return Order.objects.filter(placed | cancelling, status__in=UNDECIDED)


def orders_past_deadline(placed_before: datetime, heard_before: datetime) -> QuerySet[Order]:
    """Those that are late. An order is not, while its answer waits here or is parked, or inventory
    has decided nothing since it was placed: then inventory, or this service, had no chance."""
    late = Order.objects.filter(status=OrderStatus.PENDING, created_at__lt=placed_before)
    oldest = late.order_by("created_at").values_list("created_at", flat=True).first()
    if oldest is None:
        return late
    late = late.exclude(pk__in=_keys(waiting_subjects("inventory", DECISIONS)))
    if not Reservation.objects.exists():
        return late  # where inventory never decided anything, silence tells nothing
    decided = LedgerEntry.objects.filter(
        id__gte=first_key_at(oldest),
        publisher="inventory",
        type__in=DECISIONS,
        applied_at__lt=heard_before,
    )
    last = decided.order_by("-id").values_list("id", flat=True).first()
    if last is None:
        return late.none()
    return late.filter(created_at__lt=moment_of(last))


def _keys(subjects: Iterable[str]) -> list[UUID]:
    """Those that are the key of an order."""
    found = []
    for subject in subjects:
        with suppress(ValueError):
            found.append(UUID(subject))
    return found
