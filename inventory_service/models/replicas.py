"""What the inventory service knows of others: which orders want what, and what left the building.
No customer, no address."""

from __future__ import annotations

from django.db import models

from common.contracts.orders import OrderStatus
from common.contracts.shipping import ShipmentStatus
from polder.replication.replica import Replica

WANTING = [OrderStatus.PENDING, OrderStatus.CONFIRMED]
# orders whose shipment has left, as shipping has told them
LEFT = [OrderStatus.SHIPPED, OrderStatus.DELIVERED]
LEFT_WAREHOUSE = [ShipmentStatus.DISPATCHED, ShipmentStatus.DELIVERED]


class Order(Replica, of="order.order"):
    key = models.UUIDField(primary_key=True)
    status = models.CharField(max_length=12)
    products = models.JSONField(
        default=list, help_text="productId, quantity and price of each line."
    )

    class Meta:
        db_table = "replica_order"
        ordering = ["-key"]
        indexes = [
            models.Index(
                fields=["key"], name="replica_order_wanting", condition=models.Q(status__in=WANTING)
            ),
            models.Index(
                fields=["synced_at"], name="replica_order_left", condition=models.Q(status__in=LEFT)
            ),
        ]


class Shipment(Replica, of="shipping.shipment"):
    key = models.UUIDField(primary_key=True, help_text="The order's id.")
    status = models.CharField(max_length=12)

    class Meta:
        db_table = "replica_shipment"
        ordering = ["-key"]
        indexes = [
            models.Index(
                fields=["synced_at"],
                name="replica_shipment_gone",
                condition=models.Q(status__in=LEFT_WAREHOUSE),
            )
        ]
