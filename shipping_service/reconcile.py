"""Reconciling of the shipping service: shipments agree with the orders, their stock and the weights
of their products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from common.contracts.orders import Address
from common.contracts.shipping import ShipmentStatus
from polder.contracts.event import Event
from polder.domain.aggregate import save_changed
from polder.outbox.publish import publish
from polder.reconcile.reconciler import reconciles
from polder.reconcile.rules import ABSENT, Rule
from shipping_service.models import Order, Product, Reservation, Shipment
from shipping_service.packing import Packing, pack
from shipping_service.rules import RULES, WEIGHED
from shipping_service.selectors import (
    orders_known,
    reservations_known,
    shipments_locked,
    shipments_waiting_for,
    weights_of,
)

PACKED = ("packages", "weight_grams", "unweighed")  # the fields that packing fills


@reconciles(
    Shipment,
    watching=(Order, Reservation, Product),
    through={Product: shipments_waiting_for},
    overdue=RULES.overdue,
)
def reconcile_shipments(order_ids: Sequence[str]) -> None:
    """Make each order's shipment agree: prepared at once, ready when the stock is held and every
    weight known, cancelled when the order is not to be sent any more and it has not left,
    dispatched when others know that it has left."""
    orders = orders_known(order_ids)
    shipments_follow(orders, shipments_locked(order_ids), reservations_known(order_ids))


def shipments_follow(
    orders: Mapping[UUID, Order],
    shipments: Mapping[UUID, Shipment],
    reservations: Mapping[UUID, str],
) -> None:
    """Carries out the rules of each order's shipment, by the statuses of the order and its
    reservation: opens it where it is absent, and moves it.

    The shipments are locked, inside the caller's transaction, which holds the lock of each order's
    key.
    """
    packings = _packings(orders, shipments)
    opened: dict[UUID, Shipment] = {}
    moved: dict[UUID, Shipment] = {}
    events: list[Event] = []
    for key, order in orders.items():
        shipment, packing = shipments.get(key), packings.get(key)
        known = {"order": order.status, "reservation": reservations.get(key)}
        while (
            rule := RULES.find(shipment.status if shipment else ABSENT, **known)
        ) is not None and _has_what_it_needs(rule, packing):
            if shipment is None:
                shipment = opened[key] = _open(order, rule.then, packings[key])
            else:
                packed = _packed(packings[key]) if rule.then == ShipmentStatus.READY else {}
                shipment.move_to(rule.then, **packed)
                moved[key] = shipment
            events.append(shipment.status_event())
    Shipment.objects.bulk_create(opened.values())
    save_changed([moved[key] for key in moved if key in shipments], "status", *PACKED)
    _note_what_they_wait_for(packings, shipments)
    publish(*events)


def shipment_of(order: Order) -> Shipment:
    """The order's shipment as it is prepared, by the weights that are known; to be saved and
    announced."""
    weights = weights_of({line["productId"] for line in order.products})
    return _open(order, ShipmentStatus.PREPARED, pack(order.products, weights))


def _has_what_it_needs(rule: Rule, packing: Packing | None) -> bool:
    if rule.needs == WEIGHED:
        return packing is not None and packing.weight_grams is not None
    return True


def _note_what_they_wait_for(
    packings: Mapping[UUID, Packing], shipments: Mapping[UUID, Shipment]
) -> None:
    """A weight that was known when a shipment was packed may be known no more: when it is again,
    the shipment is to be woken. Nobody else is told which products these are, so no version rises.
    """
    waiting = [
        shipments[key]
        for key in packings
        if key in shipments and shipments[key].status == ShipmentStatus.PREPARED
    ]
    changed = [
        shipment for shipment in waiting if shipment.unweighed != packings[shipment.pk].unweighed
    ]
    for shipment in changed:
        shipment.unweighed = packings[shipment.pk].unweighed
    Shipment.objects.bulk_update(changed, ["unweighed"])


def _packings(
    orders: Mapping[UUID, Order], shipments: Mapping[UUID, Shipment]
) -> dict[UUID, Packing]:
    """Of the orders whose shipment is not packed for good."""
    unpacked = {
        key: order.products
        for key, order in orders.items()
        if key not in shipments or shipments[key].status == ShipmentStatus.PREPARED
    }
    weights = weights_of({line["productId"] for lines in unpacked.values() for line in lines})
    return {key: pack(lines, weights) for key, lines in unpacked.items()}


def _open(order: Order, status: str, packing: Packing) -> Shipment:
    address = Address.model_validate(order.shipping_address)
    return Shipment(order_id=order.pk, status=status, **dict(address), **_packed(packing))


def _packed(packing: Packing) -> dict[str, Any]:
    """By the names of the model's fields."""
    packages = [package.model_dump(mode="json", by_alias=True) for package in packing.packages]
    return dict(zip(PACKED, (packages, packing.weight_grams, packing.unweighed), strict=True))
