"""Use cases of the shipping service: change state and publish, in one transaction."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from common.contracts.inventory import ReservationStatus
from common.contracts.shipping import ShipmentStatus
from polder.domain.aggregate import save_changed
from polder.domain.use_case import use_case
from polder.outbox.publish import publish
from shipping_service.models import Shipment
from shipping_service.rules import LEFT
from shipping_service.selectors import (
    order_status,
    reservations_known,
    shipments_locked,
)


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
