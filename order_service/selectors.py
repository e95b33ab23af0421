"""Reads of the order service."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from common.contracts.inventory import ReservationStatus
from common.contracts.orders import OrderStatus
from order_service.models import Order, Product, Reservation, Stock

SHOULD_HAVE_MOVED = timedelta(seconds=60)
DECIDED = [ReservationStatus.HELD, ReservationStatus.CONSUMED, ReservationStatus.REJECTED]  # what lets a pending order move


def orderable_products(product_ids: Collection[str]) -> dict[str, Product]:
    """Those of the products that are known here and not retired."""
    return {product.key: product for product in Product.objects.filter(pk__in=product_ids, retired_at=None)}


def product_list() -> QuerySet[Product]:
    return Product.objects.filter(retired_at=None)


def stock_of(product_ids: Collection[str]) -> dict[str, Stock]:
    return Stock.objects.in_bulk(list(product_ids))


def order_list() -> QuerySet[Order]:
    return Order.objects.all()


def reservations_of(order_ids: Collection[UUID]) -> dict[UUID, Reservation]:
    return Reservation.objects.in_bulk(list(order_ids))


def order_get(order_id: UUID) -> Order | None:
    return Order.objects.filter(pk=order_id).first()


def reservation_of(order_id: UUID) -> Reservation | None:
    return Reservation.objects.filter(pk=order_id).first()


def orders_locked(order_ids: Sequence[str]) -> list[Order]:
    """Those that exist, their rows locked in key order."""
    return list(Order.objects.select_for_update().filter(pk__in=order_ids).order_by("pk"))


def reservation_statuses(order_ids: Sequence[str]) -> dict[UUID, str]:
    return dict(Reservation.objects.filter(pk__in=order_ids).values_list("key", "status"))


def orders_overdue(limit: int) -> list[UUID]:
    """Pending orders whose reservation was decided, and nobody noticed for a minute."""
    decided = Reservation.objects.filter(status__in=DECIDED, synced_at__lt=timezone.now() - SHOULD_HAVE_MOVED).values("key")
    return list(Order.objects.filter(status=OrderStatus.PENDING, pk__in=decided).order_by("pk").values_list("pk", flat=True)[:limit])
