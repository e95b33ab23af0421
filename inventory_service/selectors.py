"""Reads of the inventory service."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from common.contracts.inventory import ReservationStatus
from common.contracts.orders import OrderStatus
from inventory_service.models import Movement, Order, Product, Reservation, Stock

SHOULD_HAVE_MOVED = timedelta(seconds=60)
RELEASING = [OrderStatus.REJECTED, OrderStatus.CANCELLED]  # orders that need their stock no longer


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
    """The stock rows of those products that exist and are not retired, locked in key order."""
    rows = Stock.objects.select_for_update(of=("self",)).filter(pk__in=product_ids, product__retired_at=None).order_by("pk")
    return {row.pk: row for row in rows}


def stock_locked_even_if_retired(product_ids: Collection[str]) -> dict[str, Stock]:
    return {row.pk: row for row in Stock.objects.select_for_update().filter(pk__in=product_ids).order_by("pk")}


def orders_known(order_ids: Sequence[str]) -> list[Order]:
    """In the order in which they were placed (their ids are UUIDv7)."""
    return list(Order.objects.filter(pk__in=order_ids).order_by("pk"))


def reservations_locked(order_ids: Sequence[str]) -> dict[UUID, Reservation]:
    return {row.pk: row for row in Reservation.objects.select_for_update().filter(pk__in=order_ids).order_by("pk")}


def orders_overdue(limit: int) -> list[UUID]:
    """Orders that have waited a minute for a decision, or for the release of what is held for them."""
    mine = Reservation.objects.filter(pk=OuterRef("pk"))
    undecided = Q(status=OrderStatus.PENDING) & ~Exists(mine)
    unreleased = Q(status__in=RELEASING) & Exists(mine.filter(status=ReservationStatus.HELD))
    waiting = Order.objects.filter(undecided | unreleased, synced_at__lt=timezone.now() - SHOULD_HAVE_MOVED)
    return list(waiting.order_by("pk").values_list("pk", flat=True)[:limit])
