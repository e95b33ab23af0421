"""What the order service does about the others' events."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from benchmarks.rivals.usual.app import announce, app
from order_service.models import Order, Reservation, Shipment, Stock


@app.task(name="order.stock_reserved")
@transaction.atomic
def stock_reserved(order_id: str, status: str, version: int) -> None:
    now = timezone.now()
    Reservation.objects.update_or_create(
        key=order_id, defaults={"status": status, "version": version, "synced_at": now}
    )
    order = Order.objects.select_for_update().get(pk=order_id)
    if order.status != "pending":
        return
    order.status = "confirmed" if status == "held" else "rejected"
    order.version += 1
    order.updated_at = now
    order.save(update_fields=["status", "version", "updated_at"])
    state = {"order_id": order_id, "status": order.status, "version": order.version}
    announce("order_decided", ["shipping", "inventory"], **state)


@app.task(name="order.stock_changed")
@transaction.atomic
def stock_changed(product_id: str, version: int, on_hand: int, reserved: int) -> None:
    stored = Stock.objects.select_for_update().filter(pk=product_id).first()
    if stored is not None and stored.version >= version:
        return
    values = {"on_hand": on_hand, "reserved": reserved, "available": on_hand - reserved}
    Stock.objects.update_or_create(
        key=product_id, defaults={**values, "version": version, "synced_at": timezone.now()}
    )


@app.task(name="order.shipment_changed")
@transaction.atomic
def shipment_changed(order_id: str, status: str, version: int) -> None:
    stored = Shipment.objects.select_for_update().filter(pk=order_id).first()
    if stored is None or stored.version < version:
        values = {"status": status, "version": version, "synced_at": timezone.now()}
        Shipment.objects.update_or_create(key=order_id, defaults=values)
