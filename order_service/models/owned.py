"""What the order service decides: orders."""

from __future__ import annotations

from django.db import models
from uuid_utils.compat import uuid7

from common.contracts.orders import (
    Address,
    Customer,
    OrderEvent,
    OrderLine,
    OrderState,
    OrderStatus,
)
from polder.domain.aggregate import StatefulAggregate
from polder.domain.states import Moves

MOVES = Moves(
    {
        OrderStatus.PENDING: {OrderStatus.CONFIRMED, OrderStatus.REJECTED, OrderStatus.CANCELLING},
        OrderStatus.CONFIRMED: {OrderStatus.SHIPPED, OrderStatus.CANCELLING},
        OrderStatus.CANCELLING: {OrderStatus.CANCELLED, OrderStatus.SHIPPED},
        OrderStatus.SHIPPED: {OrderStatus.DELIVERED},
        OrderStatus.DELIVERED: set(),
        OrderStatus.REJECTED: set(),
        OrderStatus.CANCELLED: set(),
    },
    initial={OrderStatus.PENDING},
)
UNDECIDED = [OrderStatus.PENDING, OrderStatus.CANCELLING]  # they wait for another service's word


class Order(StatefulAggregate):
    """An order with its lines, each at the price of the moment it was placed. Lines never change,
    so they are kept as one value."""

    contract = OrderEvent
    moves = MOVES
    private = ("flagged_at",)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    status = models.CharField(
        max_length=12,
        choices=[(status, status) for status in OrderStatus],
        default=OrderStatus.PENDING,
    )
    customer_name = models.CharField(max_length=200)
    customer_email = models.EmailField(max_length=254)
    line1 = models.CharField(max_length=200)
    postal_code = models.CharField(max_length=20)
    city = models.CharField(max_length=100)
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2")
    lines = models.JSONField(
        help_text="productId, quantity and price of each line, as in the events."
    )
    flagged_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When it had been undecided for too long. Of no concern to others.",
    )

    class Meta:
        db_table = "orders"
        ordering = ["-id"]
        permissions = [
            ("cancel_order", "Can cancel orders"),
            ("place_order", "Can place orders on the board"),
        ]
        constraints = [MOVES.constraint("order_status")]
        indexes = [
            models.Index(
                fields=["id"], name="order_undecided", condition=models.Q(status__in=UNDECIDED)
            ),
            models.Index(fields=["status", "id"], name="order_by_status"),
            models.Index(fields=["customer_email", "id"], name="order_by_customer"),
            models.Index(
                fields=["id"], name="order_flagged", condition=models.Q(flagged_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"order {self.pk}"

    def public_state(self) -> OrderState:
        return OrderState(
            order_id=self.pk,
            status=OrderStatus(self.status),
            customer=Customer.named(self.customer_name, self.customer_email),
            shipping_address=Address.model_validate(self, from_attributes=True),
            products=tuple(OrderLine.model_validate(line) for line in self.lines),
        )
