"""Reads of the shipping service."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from django.db.models import QuerySet, Value

from common.contracts.shipping import ShipmentStatus
from polder.database.by_key import ByKey
from shipping_service.models import Order, Product, Reservation, Shipment

_orders = ByKey(Order.objects.order_by("pk"))
_reservations = ByKey(Reservation.objects.values_list("key", "status"))
_shipments = ByKey(Shipment.objects.all())
_weights = ByKey(Product.objects.values_list("key", "weight_grams"))


def shipment_list() -> QuerySet[Shipment]:
    return Shipment.objects.all()


def shipments_locked(order_ids: Collection[str | UUID]) -> dict[UUID, Shipment]:
    """Those that exist, their rows locked in key order."""
    return {row.pk: row for row in _shipments.locked(order_ids)}


def orders_known(order_ids: Collection[str | UUID]) -> dict[UUID, Order]:
    """In the order in which they were placed (their ids are UUIDv7)."""
    return {row.pk: row for row in _orders(order_ids)}


def order_status(order_id: UUID) -> str | None:
    return Order.objects.filter(pk=order_id).values_list("status", flat=True).first()


def reservations_known(order_ids: Collection[str | UUID]) -> dict[UUID, str]:
    """The status of each order's reservation, as far as it is known here."""
    return dict(_reservations(order_ids))


def weights_of(product_ids: Collection[str]) -> dict[str, int | None]:
    """In grams; None for one whose weight its owner does not know, nothing for one that is not
    known here."""
    return dict(_weights(product_ids))


def shipments_waiting_for(product_ids: Collection[str]) -> Iterable[UUID]:
    """Those that wait for the weight of one of the products."""
    # one value: of a list Django makes an expression for each item
    these = Value(list(product_ids), Shipment._meta.get_field("unweighed"))
    waiting = Shipment.objects.filter(status=ShipmentStatus.PREPARED, unweighed__overlap=these)
    # says no more than the line before: by it the index is found
    return waiting.exclude(unweighed=[]).values_list("pk", flat=True)
