"""What an order leads to outside of the shop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.contracts.orders import OrderShipped
from polder.effects import effect
from polder.effects.mail import mail, send

TEXT = """\
Dear {name},

your order {order} is on its way to {city}:

{lines}
"""


def shipped_mail(event: OrderShipped) -> Mapping[str, Any]:
    order = event.data
    lines = "\n".join(f"  {line.quantity} x {line.product_id}" for line in order.products)
    text = TEXT.format(
        name=order.customer.full_name,
        order=order.order_id,
        city=order.shipping_address.city,
        lines=lines,
    )
    subject = f"Your order {order.order_id} is on its way"
    return mail(to=order.customer.email, subject=subject, text=text, at=event.time)


@effect(on=OrderShipped, key=lambda event: event.subject, body=shipped_mail)
def mail_that_it_shipped(key: str, body: Mapping[str, Any]) -> None:
    """To the customer, once for each order."""
    send(key, body)
