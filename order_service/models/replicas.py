"""What the order service knows of others: products and stock to take orders by, reservations and
shipments to follow."""

from __future__ import annotations

from django.db import models

from polder.replication.replica import Replica


class Product(Replica, of="inventory.product", price="price.amount", currency="price.currency"):
    name = models.CharField(max_length=500)
    price = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    weight_grams = models.IntegerField(null=True)

    class Meta:
        db_table = "replica_product"
        ordering = ["key"]


class Stock(Replica, of="inventory.stock"):
    on_hand = models.IntegerField()
    reserved = models.IntegerField()
    available = models.IntegerField()

    class Meta:
        db_table = "replica_stock"
        ordering = ["key"]
        verbose_name_plural = "stock"


class Reservation(Replica, of="inventory.reservation"):
    key = models.UUIDField(primary_key=True, help_text="The order's id.")
    status = models.CharField(max_length=12)
    shortages = models.JSONField(default=list)

    class Meta:
        db_table = "replica_reservation"
        ordering = ["-key"]


class Shipment(Replica, of="shipping.shipment"):
    key = models.UUIDField(primary_key=True, help_text="The order's id.")
    status = models.CharField(max_length=12)
    carrier = models.CharField(max_length=500)
    tracking_number = models.CharField(max_length=500)

    class Meta:
        db_table = "replica_shipment"
        ordering = ["-key"]
