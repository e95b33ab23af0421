"""Reads of the inventory service."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from common.contracts.inventory import ReservationStatus
from common.contracts.orders import OrderStatus
from common.contracts.shipping import ShipmentStatus
from inventory_service.models import Movement, Order, Product, Reservation, Shipment, Stock

SHOULD_HAVE_MOVED = timedelta(seconds=60)
LEFT = [OrderStatus.SHIPPED, OrderStatus.DELIVERED]  # orders whose shipment has left, as shipping has told them
RELEASING = [OrderStatus.REJECTED, OrderStatus.CANCELLED]  # orders that need their stock no longer
GONE = [ShipmentStatus.DISPATCHED, ShipmentStatus.DELIVERED]


def product_get(product_id: str) -> Product | None:
    return Product.objects.select_related("stock").filter(pk=product_id).first()


def product_list() -> QuerySet[Product]:
    """Retired ones too, each with its stock."""
    return Product.objects.select_related("stock")


def reservation_list() -> QuerySet[Reservation]:
    return Reservation.objects.all()


def reservation_get(order_id: UUID) -> Reservation | None:
    return Reservation.objects.filter(pk=order_id).first()


def movement_list() -> QuerySet[Movement]:
    """The journal."""
    return Movement.objects.all()


def stock_locked(product_ids: Collection[str]) -> dict[str, Stock]:
    """The stock rows of those products that exist, each with its product, locked in key order."""
    rows = Stock.objects.select_for_update(of=("self",)).select_related("product").filter(pk__in=product_ids).order_by("pk")
    return {row.pk: row for row in rows}


def orders_known(order_ids: Sequence[str]) -> list[Order]:
    """In the order in which they were placed (their ids are UUIDv7)."""
    return list(Order.objects.filter(pk__in=order_ids).order_by("pk"))


def orders_gone(order_ids: Sequence[str]) -> set[UUID]:
    """Those whose shipment has left."""
    return set(Shipment.objects.filter(pk__in=order_ids, status__in=GONE).values_list("key", flat=True))


def reservations_locked(order_ids: Sequence[str]) -> dict[UUID, Reservation]:
    return {row.pk: row for row in Reservation.objects.select_for_update().filter(pk__in=order_ids).order_by("pk")}


def orders_overdue() -> QuerySet[Order]:
    """Orders that have waited a minute for a decision, or for the end of what is held for them."""
    long_ago = timezone.now() - SHOULD_HAVE_MOVED
    mine = Reservation.objects.filter(pk=OuterRef("pk"))
    gone = Shipment.objects.filter(pk=OuterRef("pk"), status__in=GONE, synced_at__lt=long_ago)
    wanting = [OrderStatus.PENDING, OrderStatus.CONFIRMED, *LEFT]
    undecided = (Q(status__in=wanting, synced_at__lt=long_ago) | Exists(gone)) & ~Exists(mine)
    unended = (Q(status__in=[*RELEASING, *LEFT], synced_at__lt=long_ago) | Exists(gone)) & Exists(mine.filter(status=ReservationStatus.HELD))
    return Order.objects.filter(undecided | unended)
