"""What the tests of any service need, shipped for those who copy the pattern: tests send events and look at state.

    deliver(order_event(OrderCreated, products={"p1": 2}))
    assert [event.type for event in published()] == ["StockReserved", "StockChanged"]

PostgreSQL is always real here, and so is every step from the bytes of a message to its commit; only the broker is left out.
"""

from common.testing.arrivals import arrangements, shuffled
from common.testing.arriving import deliver, delivery_of
from common.testing.events import order_event, order_history, product_event, reservation_event, shipment_event, stock_event
from common.testing.outbox import published
from common.testing.polling import eventually

__all__ = [
    "arrangements",
    "deliver",
    "delivery_of",
    "eventually",
    "order_event",
    "order_history",
    "product_event",
    "published",
    "reservation_event",
    "shipment_event",
    "shuffled",
    "stock_event",
]
