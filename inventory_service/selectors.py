"""Reads of the inventory service."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from common.contracts.inventory import ReservationStatus
from common.contracts.orders import OrderStatus
from inventory_service.models import Movement, Order, Owed, Product, Reservation, Shipment, Stock
from inventory_service.models.replicas import LEFT, LEFT_WAREHOUSE, WANTING
from polder.inbox.looking_back import looks_back_to

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


def movement_get(movement_id: int) -> Movement | None:
    return Movement.objects.filter(pk=movement_id).first()


def stock_locked(product_ids: Collection[str]) -> dict[str, Stock]:
    """The stock rows of those products that exist, each with its product, locked in key order."""
    rows = (
        Stock.objects.select_for_update(of=("self",))
        .select_related("product")
        .filter(pk__in=product_ids)
        .order_by("pk")
    )
    return {row.pk: row for row in rows}


def orders_known(order_ids: Sequence[str]) -> list[Order]:
    """In the order in which they were placed (their ids are UUIDv7)."""
    return list(Order.objects.filter(pk__in=order_ids).order_by("pk"))


def orders_left_warehouse(order_ids: Sequence[str]) -> set[UUID]:
    """Those whose shipment has left."""
    return set(
        Shipment.objects.filter(pk__in=order_ids, status__in=LEFT_WAREHOUSE).values_list(
            "key", flat=True
        )
    )


def reservations_locked(order_ids: Sequence[str]) -> dict[UUID, Reservation]:
    return {
        row.pk: row
        for row in Reservation.objects.select_for_update().filter(pk__in=order_ids).order_by("pk")
    }


def orders_overdue() -> list[QuerySet[Order]]:
    """Orders that have waited a minute for a decision, or for the end of what is held for them.

    What has left without a reservation here is looked for in its first hours; what there was too
    little of is noted as owed.
    """
    long_ago, lately = Now() - SHOULD_HAVE_MOVED, looks_back_to()
    orders = Order.objects.filter(synced_at__lt=long_ago)
    gone = Shipment.objects.filter(status__in=LEFT_WAREHOUSE, synced_at__lt=long_ago)
    bare = ~Exists(Reservation.objects.filter(pk=OuterRef("pk")))
    held = Reservation.objects.filter(status=ReservationStatus.HELD).values("pk")
    return [
        orders.filter(bare, status__in=WANTING),
        orders.filter(bare, status__in=LEFT, synced_at__gt=lately),
        Order.objects.filter(bare, pk__in=gone.filter(synced_at__gt=lately).values("pk")),
        Order.objects.filter(bare, pk__in=Owed.objects.values("pk")),
        orders.filter(pk__in=held, status__in=[*RELEASING, *LEFT]),
        Order.objects.filter(Exists(gone.filter(pk=OuterRef("pk"))), pk__in=held),
    ]
