"""What the inventory service does about the others' events."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from benchmarks.rivals.usual.app import announce, app
from benchmarks.rivals.usual.rows import change, keep
from inventory_service.models import Movement, Order, Reservation, Shipment, Stock


@app.task(name="inventory.order_created")
@transaction.atomic
def order_created(order_id: str, products: list[dict[str, Any]], address: dict[str, str]) -> None:
    keep(Order, order_id, 1, status="pending", products=products)
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
        change(row, reserved=row.reserved + wanted[key])
        Movement.objects.create(
            product_id=key, kind=Movement.Kind.RESERVE, reserved=wanted[key], cause=order_id
        )
        state = {"version": row.version, "on_hand": row.on_hand, "reserved": row.reserved}
        announce("stock_changed", ["order"], product_id=key, **state)
    return True


@app.task(name="inventory.order_decided")
def order_decided(order_id: str, status: str, version: int) -> None:
    keep(Order, order_id, version, status=status)


@app.task(name="inventory.shipment_changed")
def shipment_changed(order_id: str, status: str, version: int) -> None:
    keep(Shipment, order_id, version, status=status)
