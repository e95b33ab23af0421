"""Use cases of the shipping service: change state and publish, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from common.contracts.inventory import ReservationStatus
from common.contracts.orders import Address
from common.contracts.shipping import ShipmentStatus
from polder.contracts.event import Event
from polder.domain.aggregate import save_changed
from polder.domain.use_case import use_case
from polder.outbox.publish import publish
from polder.reconcile.rules import ABSENT, Rule
from shipping_service.models import Order, Shipment
from shipping_service.packing import Packing, pack
from shipping_service.rules import LEFT, RULES, WEIGHED
from shipping_service.selectors import (
    order_status,
    reservations_known,
    shipments_locked,
    weights_of,
)

PACKED = ("packages", "weight_grams", "unweighed")  # the fields that packing fills


class Moved(NamedTuple):
    shipment: Shipment
    event_id: UUID


class UnknownShipment(LookupError):
    """There is no shipment of that id."""


class NotMovable(ValueError):
    """The shipment is not in a state from which it can go there. `status` says in which it is."""

    def __init__(self, shipment: Shipment, why: str) -> None:
        super().__init__(f"the shipment of order {shipment.pk} is {shipment.status}{why}")
        self.status = shipment.status


class NotDispatchable(NotMovable):
    """Only a ready shipment can be dispatched."""


class NotDeliverable(NotMovable):
    """Only a dispatched shipment can be delivered."""


@use_case
def shipment_dispatch(*, order_id: UUID, carrier: str, tracking_number: str) -> Moved:
    """The shipment leaves. From now on its order can no longer be cancelled. Raises UnknownShipment
    or NotDispatchable."""
    shipment = _locked(order_id)
    if shipment.status != ShipmentStatus.READY:
        raise NotDispatchable(shipment, _what_it_waits_for(shipment))
    if why := _what_forbids_it(order_id):
        raise NotDispatchable(shipment, why)
    return _move(
        shipment, ShipmentStatus.DISPATCHED, carrier=carrier, tracking_number=tracking_number
    )


@use_case
def shipment_deliver(*, order_id: UUID) -> Moved:
    """The customer has it. Raises UnknownShipment or NotDeliverable."""
    shipment = _locked(order_id)
    if shipment.status != ShipmentStatus.DISPATCHED:
        raise NotDeliverable(shipment, " and not on its way")
    return _move(shipment, ShipmentStatus.DELIVERED)


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


def _locked(order_id: UUID) -> Shipment:
    shipment = shipments_locked([order_id]).get(order_id)
    if shipment is None:
        raise UnknownShipment(str(order_id))
    return shipment


def _move(shipment: Shipment, status: ShipmentStatus, **values: str) -> Moved:
    shipment.move_to(status, **values)
    save_changed([shipment], "status", *values)
    told = shipment.status_event()
    publish(told)
    return Moved(shipment, told.id)


def _what_forbids_it(order_id: UUID) -> str:
    """Others know that it has left, or that its stock was let go: ours is a state from before."""
    reservation = reservations_known([order_id]).get(order_id)
    if order_status(order_id) in LEFT or reservation == ReservationStatus.CONSUMED:
        return ", but others know that it has left already"
    return ", but its stock was released" if reservation == ReservationStatus.RELEASED else ""


def _what_it_waits_for(shipment: Shipment) -> str:
    if shipment.status != ShipmentStatus.PREPARED:
        return ""
    return (
        f": the weight of {', '.join(shipment.unweighed)} is not known"
        if shipment.unweighed
        else ": its stock is not held yet"
    )
