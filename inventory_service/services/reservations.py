"""What settling does with reservations: ends and decides them, journals the stock and publishes, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from common.contracts.inventory import ReservationStatus, StockChanged
from common.outbox.aggregate import save_changed
from common.outbox.publish import publish
from inventory_service.models import Movement, Order, Reservation, Stock
from inventory_service.selectors import stock_locked


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


def reservations_settle(*, undecided: Sequence[Order], consumed: Sequence[Reservation], released: Sequence[Reservation]) -> None:
    """Ends what is over and decides what is undecided, all in a handful of statements, each stock row locked and written once.

    What left the building is consumed, what is needed no more released; with what is then available every line of an
    undecided order is reserved or the order rejected with its shortages, one order after the other. `consumed` and `released`
    are locked and held, `undecided` are without a reservation; inside the caller's transaction.
    """
    lines = [line for row in (*consumed, *released) for line in row.lines] + [line for order in undecided for line in order.products]
    stock = stock_locked({line["productId"] for line in lines})
    ended = [*_end(consumed, ReservationStatus.CONSUMED, stock), *_end(released, ReservationStatus.RELEASED, stock)]
    decided = [_decide(order, stock) for order in undecided]
    save_changed(ended, "status")
    Reservation.objects.bulk_create(decided)
    publish(*(reservation.told() for reservation in (*ended, *decided)), *_journal([*ended, *decided], stock))


def _end(reservations: Sequence[Reservation], status: ReservationStatus, stock: Mapping[str, Stock]) -> Sequence[Reservation]:
    for reservation in reservations:
        reservation.move_to(status)
        _move(reservation, stock)
    return reservations


def _decide(order: Order, stock: Mapping[str, Stock]) -> Reservation:
    """Takes the order's lines from `stock`, all or none. Of what is not in it, or retired, nothing is available."""
    lines = [{"productId": line["productId"], "quantity": line["quantity"]} for line in order.products]
    available = {product_id: row.available for product_id, row in stock.items() if row.product.retired_at is None}
    shortages = [line | {"available": there} for line in lines if (there := available.get(line["productId"], 0)) < line["quantity"]]
    status = ReservationStatus.REJECTED if shortages else ReservationStatus.HELD
    reservation = Reservation(order_id=order.pk, status=status, lines=lines, shortages=shortages)
    _move(reservation, stock)
    return reservation


def _move(reservation: Reservation, stock: Mapping[str, Stock]) -> None:
    """What coming to its status means for the stock."""
    if effect := MOVED_BY[ReservationStatus(reservation.status)]:
        for line in reservation.lines:
            stock[line["productId"]].on_hand += effect.on_hand * line["quantity"]
            stock[line["productId"]].reserved += effect.reserved * line["quantity"]


def _journal(reservations: Iterable[Reservation], stock: Mapping[str, Stock]) -> list[StockChanged]:
    """Journals every line, and writes each stock row once: one version, and one event, per product and transaction."""
    movements = [
        Movement(
            product_id=line["productId"],
            kind=effect.name,
            on_hand=effect.on_hand * line["quantity"],
            reserved=effect.reserved * line["quantity"],
            cause=reservation.pk,
        )
        for reservation in reservations
        if (effect := MOVED_BY[ReservationStatus(reservation.status)])
        for line in reservation.lines
    ]
    Movement.objects.bulk_create(movements)
    causes = {movement.product_id: str(movement.cause) for movement in reversed(movements)}  # the first one's
    touched = [stock[product_id] for product_id in sorted(causes)]
    for row in touched:
        row.change()
    save_changed(touched, "on_hand", "reserved")
    return [StockChanged.of(row, because_of=causes[row.pk]) for row in touched]
