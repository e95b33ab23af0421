"""What a reservation follows: its order says whether it is wanted, shipping whether the goods have
left. It is decided once: what is rejected, consumed or released stays so."""

from __future__ import annotations

from common.contracts.inventory import ReservationStatus
from common.contracts.orders import OrderStatus
from inventory_service.models import Order, Reservation, Shipment
from inventory_service.models.replicas import LEFT, LEFT_WAREHOUSE
from polder.reconcile.rules import ABSENT, Rule, Rules

NOT_WANTED = [OrderStatus.REJECTED, OrderStatus.CANCELLED]  # orders that need their stock no longer

# What a new reservation needs, of every line.
ON_HAND = "enough is on hand that is not reserved, of a retired product too"
ORDERABLE = "enough is on hand that is not reserved, and the product is not retired"
OWED = "owed"  # no status: it is noted that it waits for more stock

# Those of one batch are carried out in this order: what is released is there for whoever asks.
RULES = Rules(
    Reservation,
    {"order": Order, "shipment": Shipment},
    Rule(ReservationStatus.HELD, ReservationStatus.CONSUMED, shipment=LEFT_WAREHOUSE),
    Rule(ReservationStatus.HELD, ReservationStatus.CONSUMED, order=LEFT),
    Rule(ReservationStatus.HELD, ReservationStatus.RELEASED, order=NOT_WANTED),
    # What was decided long ago, or has left, is held, and never rejected.
    Rule(
        ABSENT,
        ReservationStatus.HELD,
        shipment=LEFT_WAREHOUSE,
        order=list(OrderStatus),
        needs=ON_HAND,
        otherwise=OWED,
    ),
    Rule(ABSENT, ReservationStatus.HELD, order=LEFT, needs=ON_HAND, otherwise=OWED),
    Rule(ABSENT, ReservationStatus.HELD, order=OrderStatus.CONFIRMED, needs=ON_HAND),
    Rule(
        ABSENT,
        ReservationStatus.HELD,
        order=OrderStatus.PENDING,
        needs=ORDERABLE,
        otherwise=ReservationStatus.REJECTED,
    ),
    over={"order": LEFT, "shipment": LEFT_WAREHOUSE},
)
