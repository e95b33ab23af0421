"""What these tests begin with, and what must hold whenever they look."""

from __future__ import annotations

from decimal import Decimal

from django.db.models import Sum

from common.contracts.inventory import ReservationStatus
from inventory_service.models import Movement, Product, Reservation, Stock
from inventory_service.services import product_create, stock_receive
from polder.testing import published


def create(product_id: str) -> None:
    product_create(
        product_id=product_id,
        name=product_id.upper(),
        price=Decimal("9.95"),
        currency="EUR",
        weight_grams=100,
    )


def stocked(**products: int) -> None:
    for product_id, quantity in products.items():
        create(product_id)
        stock_receive(product_id=product_id, quantity=quantity)


def reserved() -> dict[str, int]:
    return dict(Stock.objects.values_list("pk", "reserved"))


def decisions() -> dict[str, str]:
    """The status of each order's reservation."""
    return {str(row.pk): row.status for row in Reservation.objects.all()}


def assert_conserved() -> None:
    """The stock is the sum of its movements and of what is held; nothing is oversold; every version
    was told, in order."""
    for stock in Stock.objects.all():
        moved = Movement.objects.filter(product_id=stock.pk).aggregate(
            on_hand=Sum("on_hand", default=0), reserved=Sum("reserved", default=0)
        )
        held = [
            line["quantity"]
            for reservation in Reservation.objects.filter(status=ReservationStatus.HELD)
            for line in reservation.lines
            if line["productId"] == stock.pk
        ]
        assert moved == {"on_hand": stock.on_hand, "reserved": stock.reserved}
        assert stock.reserved == sum(held) <= stock.on_hand
    for row in [*Product.objects.all(), *Stock.objects.all(), *Reservation.objects.all()]:
        events = [
            event
            for event in published(subject=row.pk)
            if event.aggregate == type(row).__name__.lower()
        ]
        assert [event.aggregateversion for event in events] == list(range(1, row.version + 1))
        assert events[-1].data == row.public_state()
