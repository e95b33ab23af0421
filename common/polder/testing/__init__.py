"""What the tests of any service need, shipped for those who copy the pattern: tests send events and
look at state.

    deliver(order_event(OrderCreated, products={"p1": 2}))
    assert [event.type for event in published()] == ["StockReserved", "StockChanged"]

PostgreSQL is always real here, and so is every step from the bytes of a message to its commit; only
the broker is left out.
"""

from polder.testing.arrivals import arrangements, shuffled
from polder.testing.delivering import deliver, delivery_of
from polder.testing.makers import make_event
from polder.testing.outbox import published
from polder.testing.polling import eventually

__all__ = [
    "arrangements",
    "deliver",
    "delivery_of",
    "eventually",
    "make_event",
    "published",
    "shuffled",
]
