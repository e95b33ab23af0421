"""Reads of the shipping service."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now

from common.contracts.inventory import ReservationStatus
from common.contracts.orders import OrderStatus
from common.contracts.shipping import ShipmentStatus
from polder.inbox.looking_back import looks_back_to
from shipping_service.models import Order, Product, Reservation, Shipment
from shipping_service.models.replicas import OVER_FOR_GOOD, UNDER_WAY

SHOULD_HAVE_MOVED = timedelta(seconds=60)
TO_BE_SENT = [OrderStatus.PENDING, OrderStatus.CONFIRMED]  # orders that are to be sent
# orders that are not to be sent any more
NOT_TO_BE_SENT = [OrderStatus.CANCELLING, OrderStatus.CANCELLED, OrderStatus.REJECTED]
# orders whose shipment has left, by our own word
LEFT = [OrderStatus.SHIPPED, OrderStatus.DELIVERED]
# shipments that can still be cancelled
CANCELLABLE = [ShipmentStatus.PREPARED, ShipmentStatus.READY]


def shipment_list() -> QuerySet[Shipment]:
    return Shipment.objects.all()


def shipment_get(order_id: UUID) -> Shipment | None:
    return Shipment.objects.filter(pk=order_id).first()


def shipments_locked(order_ids: Collection[str | UUID]) -> dict[UUID, Shipment]:
    """Those that exist, their rows locked in key order."""
    return {
        row.pk: row
        for row in Shipment.objects.select_for_update().filter(pk__in=order_ids).order_by("pk")
    }


def orders_known(order_ids: Sequence[str]) -> list[Order]:
    return list(Order.objects.filter(pk__in=order_ids).order_by("pk"))


def order_status(order_id: UUID) -> str | None:
    return Order.objects.filter(pk=order_id).values_list("status", flat=True).first()


def reservations_known(order_ids: Collection[str | UUID]) -> dict[UUID, str]:
    """The status of each order's reservation, as far as it is known here."""
    return dict(Reservation.objects.filter(pk__in=order_ids).values_list("key", "status"))


def has_left(order_status: str | None, reservation_status: str | None) -> bool:
    """Whether others say that the shipment has left. They have it from us: if ours is still here,
    we have forgotten it.

    That the stock is consumed says it too, but alone it only keeps ours from being cancelled: the
    order's word follows.
    """
    return order_status in LEFT or (
        order_status in NOT_TO_BE_SENT and reservation_status == ReservationStatus.CONSUMED
    )


def weights_of(product_ids: Collection[str]) -> dict[str, int | None]:
    """In grams; None for one whose weight its owner does not know, nothing for one that is not
    known here."""
    return dict(Product.objects.filter(pk__in=product_ids).values_list("key", "weight_grams"))


def shipments_waiting_for(product_ids: Collection[str]) -> Iterable[UUID]:
    """Those that wait for the weight of one of the products."""
    waiting = Shipment.objects.filter(
        status=ShipmentStatus.PREPARED, unweighed__overlap=list(product_ids)
    )
    # says no more than the line before: by it the index is found
    return waiting.exclude(unweighed=[]).values_list("pk", flat=True)


def orders_overdue() -> list[QuerySet[Order]]:
    """Orders whose shipment should have been opened, made ready, sent or cancelled a minute ago.

    One that is over and never had a shipment here is looked for in its first hours only.
    """
    long_ago = Now() - SHOULD_HAVE_MOVED
    orders = Order.objects.filter(synced_at__lt=long_ago)
    unopened = orders.filter(~Exists(Shipment.objects.filter(pk=OuterRef("pk"))))
    reservation = Reservation.objects.filter(pk=OuterRef("pk"), synced_at__lt=long_ago)
    held, consumed = (
        Exists(reservation.filter(status=status))
        for status in (ReservationStatus.HELD, ReservationStatus.CONSUMED)
    )
    prepared, here, dispatched = (
        _in([ShipmentStatus.PREPARED]),
        _in(CANCELLABLE),
        _in([ShipmentStatus.DISPATCHED]),
    )
    return [
        unopened.filter(status__in=UNDER_WAY),
        unopened.filter(status__in=OVER_FOR_GOOD, synced_at__gt=looks_back_to()),
        Order.objects.filter(held, pk__in=prepared, status__in=TO_BE_SENT),
        orders.filter(pk__in=here, status__in=NOT_TO_BE_SENT),
        orders.filter(pk__in=here, status__in=LEFT),
        Order.objects.filter(consumed, pk__in=here, status__in=NOT_TO_BE_SENT),
        orders.filter(pk__in=dispatched, status=OrderStatus.DELIVERED),
    ]


def _in(statuses: Sequence[ShipmentStatus]) -> QuerySet[Shipment, Any]:
    return Shipment.objects.filter(status__in=statuses).values("pk")
