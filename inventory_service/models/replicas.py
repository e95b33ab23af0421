"""What the inventory service knows of others: which orders want what, and what left the building. No customer, no address."""

from __future__ import annotations

from django.db import models

from common.replication.replica import Replica


class Order(Replica, of="order.order"):
    key = models.UUIDField(primary_key=True)
    status = models.CharField(max_length=12)
    products = models.JSONField(default=list, help_text="productId, quantity and price of each line.")

    class Meta:
        db_table = "replica_order"
        ordering = ["-key"]


class Shipment(Replica, of="shipping.shipment"):
    key = models.UUIDField(primary_key=True, help_text="The order's id.")
    status = models.CharField(max_length=12)

    class Meta:
        db_table = "replica_shipment"
        ordering = ["-key"]
