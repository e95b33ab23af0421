"""What the order service does about the others' events."""

from __future__ import annotations

from django.db import transaction

from benchmarks.rivals.usual.app import announce, app
from benchmarks.rivals.usual.rows import change, keep
from order_service.models import Order, Reservation, Shipment, Stock


@app.task(name="order.stock_reserved")
@transaction.atomic
def stock_reserved(order_id: str, status: str, version: int) -> None:
    keep(Reservation, order_id, version, status=status)
    order = Order.objects.select_for_update().get(pk=order_id)
    if order.status == "pending":
        change(order, status="confirmed" if status == "held" else "rejected")
        state = {"order_id": order_id, "status": order.status, "version": order.version}
        announce("order_decided", ["shipping", "inventory"], **state)


@app.task(name="order.stock_changed")
def stock_changed(product_id: str, version: int, on_hand: int, reserved: int) -> None:
    values = {"on_hand": on_hand, "reserved": reserved, "available": on_hand - reserved}
    keep(Stock, product_id, version, **values)


@app.task(name="order.shipment_changed")
def shipment_changed(order_id: str, status: str, version: int) -> None:
    keep(Shipment, order_id, version, status=status)
