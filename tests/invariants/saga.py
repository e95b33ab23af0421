"""What an order of each status may come with."""

from __future__ import annotations

# When all is quiet: what the reservation and the shipment of an order of each status may be.
SAGA: dict[str, tuple[set[str | None], set[str | None]]] = {
    "confirmed": ({"held"}, {"prepared", "ready"}),
    "rejected": ({"rejected"}, {"cancelled"}),
    "cancelled": ({None, "released", "rejected"}, {"cancelled"}),
    "shipped": ({"consumed"}, {"dispatched"}),
    "delivered": ({"consumed"}, {"delivered"}),
}
