"""What people may do on the board of the order service: place orders, to see events move."""

from __future__ import annotations

import random
from functools import partial

from common.contracts.orders import Address, Customer
from order_service.selectors import some_products
from order_service.services import Line, order_place
from polder.admin.board_actions import BoardAction, NotPossible, on_board

BUYER = Customer.named("Bo Board", "board@example.org")
ADDRESS = Address(line1="Board 1", postal_code="1000", city="Polder", country="NL")


def place(number: int) -> str:
    """Of one or two pieces of what can be ordered. Raises NotPossible."""
    products = some_products()
    if not products:
        raise NotPossible("There is no product that can be ordered.")
    for _ in range(number):
        line = Line(random.choice(products), random.randint(1, 2))  # noqa: S311 (for show)
        order_place(customer=BUYER, address=ADDRESS, lines=[line])
    return f"{number} order{'s' if number != 1 else ''} placed."


for _number, _label in ((1, "Place an order"), (100, "Place 100 orders")):
    on_board(BoardAction(f"place-{_number}", _label, "order.place_order", partial(place, _number)))
