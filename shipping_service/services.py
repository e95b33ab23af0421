"""Use cases of the shipping service: change state and publish, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction

from common.contracts.inventory import ReservationStatus
from common.contracts.orders import OrderStatus
from common.contracts.shipping import ShipmentStatus
from polder.domain.aggregate import save_changed
from polder.outbox.publish import publish
from shipping_service.models import Order, Shipment
from shipping_service.packing import Packing, pack
from shipping_service.selectors import (
    CANCELLABLE,
    LEFT,
    NOT_TO_BE_SENT,
    has_left,
    order_status,
    reservations_known,
    shipments_locked,
    weights_of,
)

OPENED_AS: dict[str, ShipmentStatus] = {
    OrderStatus.PENDING: ShipmentStatus.PREPARED,
    OrderStatus.CONFIRMED: ShipmentStatus.PREPARED,
    # One that was not to be sent before it was heard of: a shipment that can never be dispatched,
    # as if it had been heard of in time.
    OrderStatus.CANCELLING: ShipmentStatus.CANCELLED,
    OrderStatus.CANCELLED: ShipmentStatus.CANCELLED,
    OrderStatus.REJECTED: ShipmentStatus.CANCELLED,
}
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


@transaction.atomic
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


@transaction.atomic
def shipment_deliver(*, order_id: UUID) -> Moved:
    """The customer has it. Raises UnknownShipment or NotDeliverable."""
    shipment = _locked(order_id)
    if shipment.status != ShipmentStatus.DISPATCHED:
        raise NotDeliverable(shipment, " and not on its way")
    return _move(shipment, ShipmentStatus.DELIVERED)


def shipments_follow(
    orders: Sequence[Order], shipments: Mapping[UUID, Shipment], reservations: Mapping[UUID, str]
) -> None:
    """Opens the shipments that orders lack, and makes every legal move that the orders and their
    `reservations` lead to.

    The shipments are locked, inside the caller's transaction, which holds the lock of each order's
    key.
    """
    packings = _packings(orders, shipments)
    unopened = [order for order in orders if order.pk not in shipments]
    opened = [_open(order, packings[order.pk], reservations.get(order.pk)) for order in unopened]
    events = [shipment.status_event() for shipment in opened]
    moved: dict[UUID, Shipment] = {}
    everything = {**shipments, **{shipment.pk: shipment for shipment in opened}}
    for order in orders:
        shipment = everything.get(order.pk)
        while (
            shipment is not None
            and (
                status := _next_status(
                    shipment, order, packings.get(order.pk), reservations.get(order.pk)
                )
            )
            is not None
        ):
            shipment.move_to(
                status, **(_packed(packings[order.pk]) if status == ShipmentStatus.READY else {})
            )
            events.append(shipment.status_event())
            moved[order.pk] = shipment
    Shipment.objects.bulk_create(opened)
    save_changed(
        [shipment for key, shipment in moved.items() if key in shipments], "status", *PACKED
    )
    _note_what_they_wait_for(packings, shipments)
    publish(*events)


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


def _packings(orders: Sequence[Order], shipments: Mapping[UUID, Shipment]) -> dict[UUID, Packing]:
    """Of the orders whose shipment is not packed for good."""
    unpacked = [
        order
        for order in orders
        if order.pk not in shipments or shipments[order.pk].status == ShipmentStatus.PREPARED
    ]
    weights = weights_of({line["productId"] for order in unpacked for line in order.products})
    return {order.pk: pack(order.products, weights) for order in unpacked}


def _open(order: Order, packing: Packing, reservation: str | None) -> Shipment:
    """One that has left, as others know, was forgotten, or never reached us: it must never leave a
    second time."""
    status = (
        ShipmentStatus.DISPATCHED
        if has_left(order.status, reservation)
        else OPENED_AS[order.status]
    )
    address = order.shipping_address
    return Shipment(
        order_id=order.pk,
        status=status,
        line1=address["line1"],
        postal_code=address["postalCode"],
        city=address["city"],
        country=address["country"],
        **_packed(packing),
    )


def _packed(packing: Packing) -> dict[str, Any]:
    """By the names of the model's fields."""
    packages = [package.model_dump(mode="json", by_alias=True) for package in packing.packages]
    return dict(zip(PACKED, (packages, packing.weight_grams, packing.unweighed), strict=True))


def _next_status(
    shipment: Shipment, order: Order, packing: Packing | None, reservation: str | None
) -> ShipmentStatus | None:
    """What has left stays so, whatever the order wishes: here it is decided between cancel and
    dispatch."""
    if has_left(order.status, reservation) and shipment.status in CANCELLABLE:
        return (
            ShipmentStatus.READY
            if shipment.status == ShipmentStatus.PREPARED
            else ShipmentStatus.DISPATCHED
        )
    if order.status == OrderStatus.DELIVERED and shipment.status == ShipmentStatus.DISPATCHED:
        return ShipmentStatus.DELIVERED
    if shipment.status in CANCELLABLE and order.status in NOT_TO_BE_SENT:
        return ShipmentStatus.CANCELLED
    is_held = reservation == ReservationStatus.HELD
    if (
        shipment.status == ShipmentStatus.PREPARED
        and is_held
        and packing is not None
        and packing.weight_grams is not None
    ):
        return ShipmentStatus.READY
    return None


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
