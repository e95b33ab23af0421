"""What the shipping service does about the others' events."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from benchmarks.rivals.usual.app import announce, app
from benchmarks.rivals.usual.rows import change, keep
from shipping_service.models import Order, Product, Reservation, Shipment


@app.task(name="shipping.order_created")
@transaction.atomic
def order_created(order_id: str, products: list[dict[str, Any]], address: dict[str, str]) -> None:
    keep(Order, order_id, 1, status="pending", products=products, shipping_address=address)
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


def _package(product_id: str, quantity: int) -> dict[str, Any]:
    weight = quantity * (Product.objects.get(pk=product_id).weight_grams or 0)
    return {"productId": product_id, "quantity": quantity, "parcels": 1, "weightGrams": weight}


@app.task(name="shipping.stock_reserved")
@transaction.atomic
def stock_reserved(order_id: str, status: str, version: int) -> None:
    keep(Reservation, order_id, version, status=status)
    shipment = Shipment.objects.select_for_update().get(pk=order_id)
    if status == "held" and shipment.status == "prepared":
        change(shipment, status="ready")
        _announce(shipment)


@app.task(name="shipping.order_decided")
def order_decided(order_id: str, status: str, version: int) -> None:
    keep(Order, order_id, version, status=status)


def _announce(shipment: Shipment) -> None:
    state = {"status": shipment.status, "version": shipment.version}
    announce("shipment_changed", ["order", "inventory"], order_id=str(shipment.pk), **state)
