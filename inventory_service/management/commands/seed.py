from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import transaction

from inventory_service.services import ProductExists, product_create, stock_receive
from polder.process.command import ServiceCommand

PRODUCTS = [
    # productId, name, price in euro, grams, received
    ("p1", "Rubber boots", "39.95", 1800, 1000),
    ("p2", "Spade", "24.50", 2100, 1000),
    ("p3", "Sandbag", "1.20", 350, 100_000),
    ("p4", "Storm lantern", "17.00", 900, 500),
    ("p5", "Windmill, wooden", "129.00", 5200, 10),
]


class Command(ServiceCommand):
    help = (
        "Fills an empty shop with a few products, through the same use cases as the API; "
        "repeatable."
    )
    examples = ("manage.py inventory seed",)

    def handle(self, *args: Any, **options: Any) -> None:
        for product_id, name, price, grams, received in PRODUCTS:
            try:
                # killed in between, neither is there, and the next start makes both
                with transaction.atomic():
                    product_create(
                        product_id=product_id,
                        name=name,
                        price=Decimal(price),
                        currency="EUR",
                        weight_grams=grams,
                    )
                    stock_receive(product_id=product_id, quantity=received)
                self.stdout.write(f"{product_id}: {name}, {received} on hand")
            except ProductExists:
                self.stdout.write(f"{product_id}: is there already")
