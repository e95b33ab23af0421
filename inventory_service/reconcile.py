"""Reconciling of the inventory service: reservations agree with what the orders want and with what
left the building."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from common.contracts.inventory import ReservationStatus, StockChanged
from inventory_service.booking import Booking
from inventory_service.models import Movement, Order, Owed, Product, Reservation, Shipment, Stock
from inventory_service.rules import ON_HAND, OWED, RULES
from inventory_service.selectors import (
    orders_known,
    reservations_locked,
    reservations_overdue,
    shipments_known,
    stock_locked,
)
from polder.contracts.event import Event
from polder.domain.aggregate import save_changed
from polder.outbox import fence
from polder.outbox.publish import publish
from polder.reconcile.reconciler import reconciles
from polder.reconcile.rules import ABSENT, Rule

log = logging.getLogger(__name__)


@reconciles(Reservation, watching=(Order, Shipment), overdue=reservations_overdue)
def reconcile_reservations(order_ids: Sequence[str]) -> None:
    """Make each order's reservation agree: decided once while the order is pending, consumed when
    its shipment has left, released when the order needs it no more. What is decided, or has left,
    without one here is taken from the stock."""
    orders = orders_known(order_ids)
    reservations_follow(orders, reservations_locked(order_ids), shipments_known(order_ids))


def reservations_follow(
    orders: Mapping[UUID, Order],
    reservations: Mapping[UUID, Reservation],
    shipments: Mapping[UUID, str],
) -> None:
    """Carries out the rules of each order's reservation, by the statuses of the order and its
    shipment: opens it where it is absent, and moves it.

    In a handful of statements for all of them, each stock row locked and written once. The
    reservations are locked, inside the caller's transaction, which holds the lock of each order's
    key.
    """
    first = {
        key: rule
        for key in orders.keys() | reservations.keys()
        if (rule := _rule(key, reservations.get(key), orders, shipments)) is not None
    }
    booking = Booking(_stock_of(first, orders, reservations))
    opened: dict[UUID, Reservation] = {}
    moved: dict[UUID, Reservation] = {}
    events: list[Event] = []
    for key in sorted(first, key=lambda key: (RULES.rules.index(first[key]), key)):
        reservation = reservations.get(key)
        while (rule := _rule(key, reservation, orders, shipments)) is not None:
            if reservation is not None:
                reservation.move_to(rule.then)
                moved[key] = reservation
            elif (reservation := _opened(orders[key], rule, booking)) is not None:
                opened[key] = reservation
            else:
                break
            booking.book(reservation)
            events.append(reservation.status_event())
    if short := {line["productId"] for one in opened.values() for line in one.shortages}:
        fence.refuse(short, Product, Stock)  # a rejection is for good, and books nothing
    changed = booking.changed()
    save_changed([moved[key] for key in moved if key in reservations], "status")
    Reservation.objects.bulk_create(opened.values())
    Movement.objects.bulk_create(booking.movements)
    save_changed([row for row, _ in changed], "on_hand", "reserved")
    _note_owed([key for key, rule in first.items() if rule.otherwise == OWED], opened)
    stock_events = [StockChanged.of(row, caused_by=str(cause)) for row, cause in changed]
    publish(*events, *stock_events)


def _rule(
    key: UUID,
    reservation: Reservation | None,
    orders: Mapping[UUID, Order],
    shipments: Mapping[UUID, str],
) -> Rule | None:
    own = reservation.status if reservation else ABSENT
    order = orders[key].status if key in orders else None
    return RULES.find(own, order=order, shipment=shipments.get(key))


def _stock_of(
    keys: Collection[UUID],
    orders: Mapping[UUID, Order],
    reservations: Mapping[UUID, Reservation],
) -> dict[str, Stock]:
    lines = {
        key: reservations[key].lines if key in reservations else orders[key].products
        for key in keys
    }
    return stock_locked(
        {key: {line["productId"] for line in of_one} for key, of_one in lines.items()}
    )


def _opened(order: Order, rule: Rule, booking: Booking) -> Reservation | None:
    """All lines or none. Nothing while it waits for more stock."""
    lines = [
        {"productId": line["productId"], "quantity": line["quantity"]} for line in order.products
    ]
    shortages = booking.shortages(lines, retired_too=rule.needs == ON_HAND)
    if not shortages:
        return Reservation(order_id=order.pk, status=rule.then, lines=lines)
    if rule.otherwise == ReservationStatus.REJECTED:
        return Reservation(
            order_id=order.pk, status=rule.otherwise, lines=lines, shortages=shortages
        )
    log.warning(
        "order %s is %s and nothing is held for it; of %s there is too little: receive or adjust "
        "it",
        order.pk,
        order.status,
        [line["productId"] for line in shortages],
    )
    return None


def _note_owed(asked: Sequence[UUID], opened: Collection[UUID]) -> None:
    """Nobody tells when there is more of it; so the periodic reconciliation asks for these."""
    if asked:
        Owed.objects.filter(pk__in=[key for key in asked if key in opened]).delete()
        owed = [Owed(order_id=key) for key in asked if key not in opened]
        Owed.objects.bulk_create(owed, ignore_conflicts=True)
