"""The order service's API: a ModelSerializer, and a task for each subscriber."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.urls import path
from rest_framework import serializers
from rest_framework.generics import CreateAPIView

from benchmarks.rivals.usual.app import announce
from order_service.models import Order, Product


class CustomerSerializer(serializers.ModelSerializer[Order]):
    name = serializers.CharField(source="customer_name")
    email = serializers.EmailField(source="customer_email")

    class Meta:
        model = Order
        fields = ["name", "email"]


class AddressSerializer(serializers.ModelSerializer[Order]):
    postalCode = serializers.CharField(source="postal_code")

    class Meta:
        model = Order
        fields = ["line1", "postalCode", "city", "country"]


class LineSerializer(serializers.Serializer[Any]):
    productId = serializers.PrimaryKeyRelatedField(queryset=Product.objects.all())
    quantity = serializers.IntegerField(min_value=1)


class OrderSerializer(serializers.ModelSerializer[Order]):
    orderId = serializers.UUIDField(source="id", read_only=True)
    customer = CustomerSerializer(source="*")
    shippingAddress = AddressSerializer(source="*")
    products = LineSerializer(many=True, write_only=True)

    class Meta:
        model = Order
        fields = ["orderId", "status", "customer", "shippingAddress", "products"]
        read_only_fields = ["status"]

    def create(self, validated_data: dict[str, Any]) -> Order:
        lines = [_line(**line) for line in validated_data.pop("products")]
        with transaction.atomic():
            order = Order.objects.create(lines=lines, **validated_data)
            address = AddressSerializer(order).data
            state = {"order_id": str(order.pk), "products": lines, "address": address}
            announce("order_created", ["shipping", "inventory"], **state)
        return order


def _line(productId: Product, quantity: int) -> dict[str, Any]:  # noqa: N803
    price = {"amount": str(productId.price), "currency": productId.currency}
    return {"productId": productId.pk, "quantity": quantity, "price": price}


class Orders(CreateAPIView[Order]):
    serializer_class = OrderSerializer
    queryset = Order.objects.all()


urlpatterns = [path("api/orders/", Orders.as_view())]
