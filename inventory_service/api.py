"""The inventory service's API: thin, from JSON to a use case and back."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.contracts.text import LARGEST_COUNT
from common.web.idempotency import idempotent
from common.web.problems import Problem
from inventory_service.models import Product, Stock
from inventory_service.selectors import product_get
from inventory_service.services import Changed, ProductExists, StockLimit, UnknownProduct, product_create, stock_receive

PRODUCT_ID = r"^[A-Za-z0-9][A-Za-z0-9._:~+-]{0,63}$"


class PriceIn(serializers.Serializer[Any]):
    amount = serializers.DecimalField(max_digits=12, decimal_places=2, min_value=0)
    currency = serializers.RegexField(r"^[A-Z]{3}$", error_messages={"invalid": "An ISO 4217 code of three capital letters."})


class ProductIn(serializers.Serializer[Any]):
    productId = serializers.RegexField(PRODUCT_ID, error_messages={"invalid": "1 to 64 letters, digits or any of . _ : ~ + - after the first."})
    name = serializers.CharField(max_length=200)
    price = PriceIn()
    weightGrams = serializers.IntegerField(min_value=0, max_value=LARGEST_COUNT, required=False, allow_null=True, default=None)


class ReceiveIn(serializers.Serializer[Any]):
    quantity = serializers.IntegerField(min_value=1, max_value=LARGEST_COUNT)


class Products(APIView):
    @idempotent
    def post(self, request: Request) -> Response:
        """Adds a product, with nothing of it on hand."""
        asked = ProductIn(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        try:
            changed = product_create(
                product_id=values["productId"],
                name=values["name"],
                price=values["price"]["amount"],
                currency=values["price"]["currency"],
                weight_grams=values["weightGrams"],
            )
        except ProductExists as error:
            raise Problem("product-exists", 409, f"There is a product {error}.") from error
        return Response(_changed(changed), status=201, headers={"Location": f"/api/products/{changed.product.pk}/"})


class OneProduct(APIView):
    def get(self, request: Request, product_id: str) -> Response:
        """The product, with what is on hand, reserved and available."""
        product = product_get(product_id)
        if product is None:
            raise NotFound(f"There is no product {product_id}.")
        return Response(_product(product, product.stock))


class Receive(APIView):
    @idempotent
    def post(self, request: Request, product_id: str) -> Response:
        """Adds what came in to the stock on hand."""
        asked = ReceiveIn(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            changed = stock_receive(product_id=product_id, quantity=asked.validated_data["quantity"])
        except UnknownProduct as error:
            raise NotFound(f"There is no product {product_id}.") from error
        except StockLimit as error:
            raise Problem("stock-limit", 422, f"{error}.") from error
        return Response(_changed(changed))


def _changed(changed: Changed) -> dict[str, Any]:
    return _product(changed.product, changed.stock) | {"eventId": str(changed.event_id)}


def _product(product: Product, stock: Stock) -> dict[str, Any]:
    state = product.public_state().model_dump(mode="json", by_alias=True)
    counts = stock.public_state().model_dump(mode="json", by_alias=True, exclude={"product_id", "retired"})
    return state | counts | {"version": product.version}
