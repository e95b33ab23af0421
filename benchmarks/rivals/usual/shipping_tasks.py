"""What the shipping service does about the others' events."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from benchmarks.rivals.usual.app import announce, app
from shipping_service.models import Order, Product, Reservation, Shipment


@app.task(name="shipping.order_created")
@transaction.atomic
def order_created(order_id: str, products: list[dict[str, Any]], address: dict[str, str]) -> None:
    values = {"status": "pending", "products": products, "shipping_address": address}
    Order.objects.update_or_create(
        key=order_id, defaults={**values, "version": 1, "synced_at": timezone.now()}
    )
    if Shipment.objects.filter(pk=order_id).exists():
        return
    packages = [_package(line["productId"], line["quantity"]) for line in products]
    shipment = Shipment.objects.create(
        order_id=order_id,
        status="prepared",
        line1=address["line1"],
        postal_code=address["postalCode"],
        city=address["city"],
        country=address["country"],
        packages=packages,
        weight_grams=sum(package["weightGrams"] for package in packages),
    )
    _announce(shipment)


@app.task(name="shipping.stock_reserved")
@transaction.atomic
def stock_reserved(order_id: str, status: str, version: int) -> None:
    Reservation.objects.update_or_create(
        key=order_id, defaults={"status": status, "version": version, "synced_at": timezone.now()}
    )
    shipment = Shipment.objects.select_for_update().get(pk=order_id)
    if status == "held" and shipment.status == "prepared":
        shipment.status = "ready"
        shipment.version += 1
        shipment.updated_at = timezone.now()
        shipment.save(update_fields=["status", "version", "updated_at"])
        _announce(shipment)


@app.task(name="shipping.order_decided")
@transaction.atomic
def order_decided(order_id: str, status: str, version: int) -> None:
    stored = Order.objects.select_for_update().get(pk=order_id)
    if stored.version < version:
        stored.status, stored.version, stored.synced_at = status, version, timezone.now()
        stored.save(update_fields=["status", "version", "synced_at"])


def _package(product_id: str, quantity: int) -> dict[str, Any]:
    weight = Product.objects.get(pk=product_id).weight_grams or 0
    return {
        "productId": product_id,
        "quantity": quantity,
        "parcels": 1,
        "weightGrams": quantity * weight,
    }


def _announce(shipment: Shipment) -> None:
    state = {"status": shipment.status, "version": shipment.version}
    announce("shipment_changed", ["order", "inventory"], order_id=str(shipment.pk), **state)
