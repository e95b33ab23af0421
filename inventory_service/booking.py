"""Booking: what the moves of reservations do to the stock, and what the journal says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from common.contracts.inventory import ReservationStatus
from inventory_service.models import Movement, Reservation, Stock


class Effect(NamedTuple):
    """What one piece of a line does to the stock, and what the journal calls it."""

    name: Movement.Kind
    on_hand: int
    reserved: int


EFFECTS: dict[ReservationStatus, Effect | None] = {
    ReservationStatus.HELD: Effect(Movement.Kind.RESERVE, 0, 1),
    ReservationStatus.REJECTED: None,
    ReservationStatus.RELEASED: Effect(Movement.Kind.RELEASE, 0, -1),
    ReservationStatus.CONSUMED: Effect(Movement.Kind.CONSUME, -1, -1),
}


class Booking:
    """Stock rows, locked, and the movements that change them. Writes nothing."""

    def __init__(self, stock: Mapping[str, Stock]) -> None:
        self.stock = stock
        self.movements: list[Movement] = []

    def shortages(
        self, lines: Sequence[dict[str, Any]], *, retired_too: bool
    ) -> list[dict[str, Any]]:
        """The lines of which less is available, and how much is. Of a product that is not there
        nothing is; of a retired one only when `retired_too`."""
        available = {
            product_id: row.available
            for product_id, row in self.stock.items()
            if retired_too or row.product.retired_at is None
        }
        return [
            line | {"available": there}
            for line in lines
            if (there := available.get(line["productId"], 0)) < line["quantity"]
        ]

    def book(self, reservation: Reservation) -> None:
        """What coming to its status does to the stock of its lines."""
        effect = EFFECTS[ReservationStatus(reservation.status)]
        if effect is None:
            return
        for line in reservation.lines:
            row = self.stock[line["productId"]]
            movement = Movement(
                product_id=row.pk,
                kind=effect.name,
                on_hand=effect.on_hand * line["quantity"],
                reserved=effect.reserved * line["quantity"],
                cause=reservation.pk,
            )
            row.on_hand += movement.on_hand
            row.reserved += movement.reserved
            self.movements.append(movement)

    def changed(self) -> list[tuple[Stock, UUID]]:
        """The stock rows that moved, by their keys, and what moved each first. Raises the version
        of each once, however often it moved."""
        causes = {movement.product_id: movement.cause for movement in reversed(self.movements)}
        rows = [(self.stock[product_id], causes[product_id]) for product_id in sorted(causes)]
        for row, _ in rows:
            row.change()
        return rows
