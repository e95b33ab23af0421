"""What reconciling does with reservations: ends and decides them, journals the stock and publishes,
in the caller's transaction."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from common.contracts.inventory import ReservationStatus, StockChanged
from inventory_service.models import Movement, Order, Owed, Reservation, Stock
from inventory_service.selectors import stock_locked
from polder.contracts.event import Event
from polder.domain.aggregate import save_changed
from polder.outbox.publish import publish

log = logging.getLogger(__name__)


class Effect(NamedTuple):
    """What one piece of a line does to the stock, and what the journal calls it."""

    name: Movement.Kind
    on_hand: int
    reserved: int


MOVED_BY: dict[ReservationStatus, Effect | None] = {
    ReservationStatus.HELD: Effect(Movement.Kind.RESERVE, 0, 1),
    ReservationStatus.REJECTED: None,
    ReservationStatus.RELEASED: Effect(Movement.Kind.RELEASE, 0, -1),
    ReservationStatus.CONSUMED: Effect(Movement.Kind.CONSUME, -1, -1),
}


class Said(NamedTuple):
    """What is to be journalled and published for what has been done, in its order."""

    movements: list[Movement]
    events: list[Event]


def reservations_reconcile(
    *,
    undecided: Sequence[Order],
    consumed: Sequence[Reservation],
    released: Sequence[Reservation],
    left: Sequence[Order] = (),
    owed: Sequence[Order] = (),
) -> None:
    """Ends what is over and decides what is undecided, all in a handful of statements, each stock
    row locked and written once.

    What left the building is consumed, what is needed no more released. `left` are orders whose
    goods are gone though nothing was held for them here, `owed` those that are confirmed likewise:
    both are taken from what there is, and wait while there is too little. With what is then
    available every line of an `undecided` order is reserved or the order rejected with its
    shortages, one order after the other. `consumed` and `released` are locked and held, the orders
    are without a reservation; inside the caller's transaction.
    """
    lines = [line for row in (*consumed, *released) for line in row.lines]
    lines += [line for order in (*left, *owed, *undecided) for line in order.products]
    stock, said = stock_locked({line["productId"] for line in lines}), Said([], [])
    ended = [
        *_end(consumed, ReservationStatus.CONSUMED, stock, said),
        *_end(released, ReservationStatus.RELEASED, stock, said),
    ]
    decided = _take(left, stock, said)
    _note_owed(left, decided)
    _end(decided, ReservationStatus.CONSUMED, stock, said)
    decided += _take(owed, stock, said)
    decided += [_decide(order, stock, said) for order in undecided]
    changed = _changed(said.movements, stock)
    save_changed(ended, "status")
    Reservation.objects.bulk_create(decided)
    Movement.objects.bulk_create(said.movements)
    save_changed([row for row, _ in changed], "on_hand", "reserved")
    stock_events = [StockChanged.of(row, caused_by=str(cause)) for row, cause in changed]
    publish(*said.events, *stock_events)


def _end(
    reservations: Sequence[Reservation],
    status: ReservationStatus,
    stock: Mapping[str, Stock],
    said: Said,
) -> Sequence[Reservation]:
    for reservation in reservations:
        reservation.move_to(status)
        _move(reservation, stock, said)
    return reservations


def _take(orders: Sequence[Order], stock: Mapping[str, Stock], said: Said) -> list[Reservation]:
    """Holds what was decided long ago: also of what is retired, and never by rejecting. What there
    is too little of waits for more."""
    taken = []
    for order in orders:
        lines = _lines(order)
        if short := [
            line["productId"]
            for line in lines
            if line["productId"] not in stock
            or stock[line["productId"]].available < line["quantity"]
        ]:
            log.warning(
                "order %s is %s and nothing is held for it; of %s there is too little: receive or "
                "adjust it",
                order.pk,
                order.status,
                short,
            )
            continue
        taken.append(Reservation(order_id=order.pk, status=ReservationStatus.HELD, lines=lines))
        _move(taken[-1], stock, said)
    return taken


def _note_owed(left: Sequence[Order], taken: Sequence[Reservation]) -> None:
    """Nobody tells when there is more of it; so the net asks for these."""
    if left:
        found = {reservation.pk for reservation in taken}
        Owed.objects.filter(pk__in=found).delete()
        Owed.objects.bulk_create(
            [Owed(order_id=order.pk) for order in left if order.pk not in found],
            ignore_conflicts=True,
        )


def _decide(order: Order, stock: Mapping[str, Stock], said: Said) -> Reservation:
    """Takes the order's lines from `stock`, all or none. Of what is not in it, or retired, nothing
    is available."""
    lines = _lines(order)
    available = {
        product_id: row.available
        for product_id, row in stock.items()
        if row.product.retired_at is None
    }
    shortages = [
        line | {"available": there}
        for line in lines
        if (there := available.get(line["productId"], 0)) < line["quantity"]
    ]
    status = ReservationStatus.REJECTED if shortages else ReservationStatus.HELD
    reservation = Reservation(order_id=order.pk, status=status, lines=lines, shortages=shortages)
    _move(reservation, stock, said)
    return reservation


def _lines(order: Order) -> list[dict[str, Any]]:
    return [
        {"productId": line["productId"], "quantity": line["quantity"]} for line in order.products
    ]


def _move(reservation: Reservation, stock: Mapping[str, Stock], said: Said) -> None:
    """What coming to its status means for the stock, the journal and the others."""
    said.events.append(reservation.status_event())
    if effect := MOVED_BY[ReservationStatus(reservation.status)]:
        for line in reservation.lines:
            on_hand, reserved = (
                effect.on_hand * line["quantity"],
                effect.reserved * line["quantity"],
            )
            stock[line["productId"]].on_hand += on_hand
            stock[line["productId"]].reserved += reserved
            movement = Movement(
                product_id=line["productId"],
                kind=effect.name,
                on_hand=on_hand,
                reserved=reserved,
                cause=reservation.pk,
            )
            said.movements.append(movement)


def _changed(movements: Sequence[Movement], stock: Mapping[str, Stock]) -> list[tuple[Stock, UUID]]:
    """Raises the version of each stock row that moved, once, in the order of their keys; and what
    moved each first."""
    causes = {movement.product_id: movement.cause for movement in reversed(movements)}
    changed = [(stock[product_id], causes[product_id]) for product_id in sorted(causes)]
    for row, _ in changed:
        row.change()
    return changed
