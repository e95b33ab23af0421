"""Reads of the shipping service."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from common.contracts.inventory import ReservationStatus
from common.contracts.orders import OrderStatus
from common.contracts.shipping import ShipmentStatus
from shipping_service.models import Order, Product, Reservation, Shipment

SHOULD_HAVE_MOVED = timedelta(seconds=60)
WANTED = [OrderStatus.PENDING, OrderStatus.CONFIRMED]  # orders that are to be sent
OVER = [OrderStatus.CANCELLING, OrderStatus.CANCELLED, OrderStatus.REJECTED]  # orders that are not to be sent any more
LEFT = [OrderStatus.SHIPPED, OrderStatus.DELIVERED]  # orders whose shipment has left, by our own word
HERE = [ShipmentStatus.PREPARED, ShipmentStatus.READY]  # shipments that can still be cancelled


def shipment_list() -> QuerySet[Shipment]:
    return Shipment.objects.all()


def shipment_get(order_id: UUID) -> Shipment | None:
    return Shipment.objects.filter(pk=order_id).first()


def shipments_locked(order_ids: Collection[str | UUID]) -> dict[UUID, Shipment]:
    """Those that exist, their rows locked in key order."""
    return {row.pk: row for row in Shipment.objects.select_for_update().filter(pk__in=order_ids).order_by("pk")}


def orders_known(order_ids: Sequence[str]) -> list[Order]:
    return list(Order.objects.filter(pk__in=order_ids).order_by("pk"))


def order_status(order_id: UUID) -> str | None:
    return Order.objects.filter(pk=order_id).values_list("status", flat=True).first()


def reservations_known(order_ids: Collection[str | UUID]) -> dict[UUID, str]:
    """The status of each order's reservation, as far as it is known here."""
    return dict(Reservation.objects.filter(pk__in=order_ids).values_list("key", "status"))


def has_left(order_status: str | None, reservation_status: str | None) -> bool:
    """Whether others say that the shipment has left. They have it from us: if ours is still here, we have forgotten it.

    That the stock is consumed says it too, but alone it only keeps ours from being cancelled: the order's word follows.
    """
    return order_status in LEFT or (order_status in OVER and reservation_status == ReservationStatus.CONSUMED)


def weights_of(product_ids: Collection[str]) -> dict[str, int | None]:
    """In grams; None for one whose weight its owner does not know, nothing for one that is not known here."""
    return dict(Product.objects.filter(pk__in=product_ids).values_list("key", "weight_grams"))


def shipments_waiting_for(product_ids: Collection[str]) -> Iterable[UUID]:
    """Those that wait for the weight of one of the products."""
    waiting = Shipment.objects.filter(status=ShipmentStatus.PREPARED, weight_grams=None, unweighed__overlap=list(product_ids))
    return waiting.values_list("pk", flat=True)


def orders_overdue() -> QuerySet[Order]:
    """Orders whose shipment should have been opened, made ready or cancelled a minute ago."""
    long_ago = timezone.now() - SHOULD_HAVE_MOVED
    mine = Shipment.objects.filter(pk=OuterRef("pk"))
    held = Reservation.objects.filter(pk=OuterRef("pk"), status=ReservationStatus.HELD, synced_at__lt=long_ago)
    consumed = Reservation.objects.filter(pk=OuterRef("pk"), status=ReservationStatus.CONSUMED, synced_at__lt=long_ago)
    unopened = Q(synced_at__lt=long_ago) & ~Exists(mine)
    unready = Q(status__in=WANTED) & Exists(held) & Exists(mine.filter(status=ShipmentStatus.PREPARED))
    unsent = (Q(status__in=LEFT, synced_at__lt=long_ago) | Q(status__in=OVER) & Exists(consumed)) & Exists(mine.filter(status__in=HERE))
    undelivered = Q(status=OrderStatus.DELIVERED, synced_at__lt=long_ago) & Exists(mine.filter(status=ShipmentStatus.DISPATCHED))
    uncancelled = Q(status__in=OVER, synced_at__lt=long_ago) & Exists(mine.filter(status__in=HERE))
    return Order.objects.filter(unopened | unready | uncancelled | unsent | undelivered)
