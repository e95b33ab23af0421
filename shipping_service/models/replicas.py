"""What the shipping service knows of others: what is ordered and where it goes, what it weighs,
whether its stock is held."""

from __future__ import annotations

from django.db import models

from common.contracts.orders import OrderStatus
from polder.replication.replica import Replica

UNDER_WAY = [
    OrderStatus.PENDING,
    OrderStatus.CONFIRMED,
    OrderStatus.CANCELLING,
    OrderStatus.SHIPPED,
]
OVER_FOR_GOOD = [OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.DELIVERED]


class Order(Replica, of="order.order"):
    key = models.UUIDField(primary_key=True)
    status = models.CharField(max_length=12)
    products = models.JSONField(help_text="productId, quantity and price of each line.")
    shipping_address = models.JSONField()

    class Meta:
        db_table = "replica_order"
        ordering = ["-key"]
        indexes = [
            models.Index(
                fields=["key"],
                name="replica_order_under_way",
                condition=models.Q(status__in=UNDER_WAY),
            ),
            models.Index(
                fields=["synced_at"],
                name="replica_order_over",
                condition=models.Q(status__in=OVER_FOR_GOOD),
            ),
        ]


class Product(Replica, of="inventory.product"):
    name = models.CharField(max_length=500)
    weight_grams = models.IntegerField(null=True)

    class Meta:
        db_table = "replica_product"
        ordering = ["key"]


class Reservation(Replica, of="inventory.reservation"):
    key = models.UUIDField(primary_key=True, help_text="The order's id.")
    status = models.CharField(max_length=12)

    class Meta:
        db_table = "replica_reservation"
        ordering = ["-key"]
