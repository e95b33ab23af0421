"""The order service's API: thin, from JSON to a use case and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django_filters import FilterSet
from django_filters import rest_framework as filters
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from common.contracts.orders import Address, Customer, OrderStatus
from order_service.models import Order, Product, Reservation, Shipment, Stock
from order_service.selectors import (
    order_get,
    order_list,
    product_get,
    product_list,
    reservations_of,
    shipments_of,
    stock_of,
)
from order_service.serializers import OrderableProductOut, OrderAcceptedOut, OrderIn, OrderOut
from order_service.services import (
    Line,
    NotCancellable,
    UnknownOrder,
    UnknownProducts,
    order_cancel,
    order_place,
)
from polder.api.addresses import address
from polder.api.documented import documented
from polder.api.filters import TrueOrFalse
from polder.api.idempotency import idempotent
from polder.api.lists import list_response
from polder.api.problems import Problem
from polder.api.view import ApiView
from polder.partitioning import first_key_at


class OrderFilter(FilterSet):
    status = filters.ChoiceFilter(choices=[(status, status) for status in OrderStatus])
    email = filters.CharFilter(field_name="customer_email")
    flagged = TrueOrFalse(field_name="flagged_at", lookup_expr="isnull", exclude=True)
    placedAfter = filters.IsoDateTimeFilter(method="placed_after")
    placedBefore = filters.IsoDateTimeFilter(method="placed_before")

    # By the id, which tells the millisecond and is what the list is ordered by.
    def placed_after(self, orders: QuerySet[Order], name: str, moment: datetime) -> QuerySet[Order]:
        return orders.filter(pk__gte=first_key_at(moment))

    def placed_before(
        self, orders: QuerySet[Order], name: str, moment: datetime
    ) -> QuerySet[Order]:
        return orders.filter(pk__lt=first_key_at(moment))


class Orders(ApiView):
    shows = (Order, Reservation, Shipment)

    @documented(OrderOut, filters=OrderFilter)
    def get(self, request: Request) -> Response:
        """Orders by id, oldest first; `?status=`, `?email=`, `?flagged=`, `?placedAfter=` and
        `?placedBefore=` narrow it down."""
        return list_response(self, request, order_list(), OrderFilter, _orders)

    @documented(OrderAcceptedOut, request=OrderIn, status=201, problems=["unknown-product"])
    @idempotent
    def post(self, request: Request) -> Response:
        """Places an order. 201 with its id; the outcome comes later, at the address in
        `Location`.
        """
        asked = OrderIn(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            placed = order_place(
                customer=Customer.model_validate(asked.validated_data["customer"]),
                address=Address.model_validate(asked.validated_data["shippingAddress"]),
                lines=[
                    Line(line["productId"], line["quantity"])
                    for line in asked.validated_data["products"]
                ],
            )
        except UnknownProducts as error:
            raise Problem(
                "unknown-product", f"The order {error}.", products=error.product_ids
            ) from error
        body = {
            "orderId": str(placed.order.pk),
            "status": placed.order.status,
            "eventId": str(placed.event_id),
        }
        return Response(
            body, status=201, headers={"Location": address(f"/api/orders/{placed.order.pk}/")}
        )


class OneOrder(ApiView):
    shows = (Order, Reservation, Shipment)

    @documented(OrderOut)
    def get(self, request: Request, order_id: UUID) -> Response:
        """The order, with what is known of its reservation and its shipment."""
        order = order_get(order_id)
        if order is None:
            raise NotFound(f"There is no order {order_id}.")
        return Response(_orders([order])[0])


class Cancel(ApiView):
    @documented(OrderAcceptedOut, status=202, problems=["not-cancellable"])
    @idempotent
    def post(self, request: Request, order_id: UUID) -> Response:
        """Asks for the order to be cancelled. 202: shipping decides, and the outcome comes at the
        address in `Location`."""
        try:
            cancelling = order_cancel(order_id=order_id)
        except UnknownOrder as error:
            raise NotFound(f"There is no order {order_id}.") from error
        except NotCancellable as error:
            raise Problem("not-cancellable", f"{error}.", orderStatus=error.status) from error
        body = {
            "orderId": str(order_id),
            "status": cancelling.order.status,
            "eventId": str(cancelling.event_id),
        }
        return Response(body, status=202, headers={"Location": address(f"/api/orders/{order_id}/")})


class ProductFilter(FilterSet):
    name = filters.CharFilter(lookup_expr="icontains")


class Products(ApiView):
    shows = (Product, Stock)

    @documented(OrderableProductOut, filters=ProductFilter)
    def get(self, request: Request) -> Response:
        """Products that can be ordered, as the local copy has them; `syncedAt` tells how fresh each
        is."""
        return list_response(self, request, product_list(), ProductFilter, _products)


class OneProduct(ApiView):
    shows = (Product, Stock)

    @documented(OrderableProductOut)
    def get(self, request: Request, product_id: str) -> Response:
        """The product as the local copy has it; `syncedAt` tells how fresh it is."""
        product = product_get(product_id)
        if product is None:
            raise NotFound(f"No product {product_id} can be ordered.")
        return Response(_products([product])[0])


def _orders(orders: Sequence[Order]) -> list[dict[str, Any]]:
    keys = [order.pk for order in orders]
    reservations, shipments = reservations_of(keys), shipments_of(keys)
    return [_order(order, reservations.get(order.pk), shipments.get(order.pk)) for order in orders]


def _order(
    order: Order, reservation: Reservation | None, shipment: Shipment | None
) -> dict[str, Any]:
    state = order.public_state().model_dump(mode="json", by_alias=True, exclude={"retired"})
    return state | {
        "version": order.version,
        "createdAt": order.created_at,
        "updatedAt": order.updated_at,
        "flaggedAt": order.flagged_at,
        "reservation": reservation and _reservation(reservation),
        "shipment": shipment and _shipment(shipment),
    }


def _reservation(reservation: Reservation) -> dict[str, Any]:
    return {
        "status": reservation.status,
        "shortages": reservation.shortages,
        "syncedAt": reservation.synced_at,
    }


def _shipment(shipment: Shipment) -> dict[str, Any]:
    return {
        "status": shipment.status,
        "carrier": shipment.carrier,
        "trackingNumber": shipment.tracking_number,
        "syncedAt": shipment.synced_at,
    }


def _products(products: Sequence[Product]) -> list[dict[str, Any]]:
    stock = stock_of([product.key for product in products])
    return [_product(product, stock.get(product.key)) for product in products]


def _product(product: Product, stock: Stock | None) -> dict[str, Any]:
    return {
        "productId": product.key,
        "name": product.name,
        "price": {"amount": str(product.price), "currency": product.currency},
        "weightGrams": product.weight_grams,
        "available": stock.available if stock else None,
        "version": product.version,
        "syncedAt": product.synced_at,
    }
