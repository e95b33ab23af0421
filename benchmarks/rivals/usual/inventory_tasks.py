"""What the inventory service does about the others' events."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from benchmarks.rivals.usual.app import announce, app
from inventory_service.models import Movement, Order, Reservation, Shipment, Stock


@app.task(name="inventory.order_created")
@transaction.atomic
def order_created(order_id: str, products: list[dict[str, Any]], address: dict[str, str]) -> None:
    Order.objects.update_or_create(
        key=order_id,
        defaults={
            "status": "pending",
            "products": products,
            "version": 1,
            "synced_at": timezone.now(),
        },
    )
    if Reservation.objects.filter(pk=order_id).exists():
        return
    lines = [{"productId": one["productId"], "quantity": one["quantity"]} for one in products]
    status = "held" if _take(order_id, lines) else "rejected"
    reservation = Reservation.objects.create(order_id=order_id, status=status, lines=lines)
    state = {"order_id": order_id, "status": status, "version": reservation.version}
    announce("stock_reserved", ["order", "shipping"], **state)


def _take(order_id: str, lines: list[dict[str, Any]]) -> bool:
    wanted = {line["productId"]: line["quantity"] for line in lines}
    locked = Stock.objects.select_for_update().filter(pk__in=wanted).order_by("pk")
    stock = {row.pk: row for row in locked}
    if any(key not in stock or stock[key].available < wanted[key] for key in wanted):
        return False
    for key, row in stock.items():
        row.reserved += wanted[key]
        row.version += 1
        row.updated_at = timezone.now()
        row.save(update_fields=["reserved", "version", "updated_at"])
        Movement.objects.create(
            product_id=key, kind=Movement.Kind.RESERVE, reserved=wanted[key], cause=order_id
        )
        state = {"version": row.version, "on_hand": row.on_hand, "reserved": row.reserved}
        announce("stock_changed", ["order"], product_id=key, **state)
    return True


@app.task(name="inventory.order_decided")
@transaction.atomic
def order_decided(order_id: str, status: str, version: int) -> None:
    stored = Order.objects.select_for_update().get(pk=order_id)
    if stored.version < version:
        stored.status, stored.version, stored.synced_at = status, version, timezone.now()
        stored.save(update_fields=["status", "version", "synced_at"])


@app.task(name="inventory.shipment_changed")
@transaction.atomic
def shipment_changed(order_id: str, status: str, version: int) -> None:
    stored = Shipment.objects.select_for_update().filter(pk=order_id).first()
    if stored is None or stored.version < version:
        values = {"status": status, "version": version, "synced_at": timezone.now()}
        Shipment.objects.update_or_create(key=order_id, defaults=values)
