"""The order service's API: thin, from JSON to a use case and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django_filters import FilterSet
from django_filters import rest_framework as filters
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from common.contracts.orders import OrderStatus
from order_service.models import Order, Product, Reservation, Shipment, Stock
from order_service.selectors import order_list, product_list
from order_service.serializers import (
    OrderableProductSerializer,
    OrderAcceptedSerializer,
    OrderIn,
    OrderSerializer,
)
from order_service.services import (
    Accepted,
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
from polder.api.problems import Problem
from polder.api.view import ApiViewSet
from polder.database.partitioning import first_key_at


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


class OrderViewSet(ApiViewSet):
    shows = (Order, Reservation, Shipment)
    queryset = order_list()
    lookup_url_kwarg = "order_id"
    lookup_value_converter = "id"
    missing = "There is no order {}."

    @documented(OrderSerializer, filters=OrderFilter)
    def list(self, request: Request) -> Response:
        """Orders by id, oldest first; `?status=`, `?email=`, `?flagged=`, `?placedAfter=` and
        `?placedBefore=` narrow it down."""
        return super().list(request)

    @documented(OrderSerializer)
    def retrieve(self, request: Request, **key: Any) -> Response:
        """The order, with what is known of its reservation and its shipment."""
        return super().retrieve(request, **key)

    @documented(OrderAcceptedSerializer, request=OrderIn, status=201, problems=["unknown-product"])
    @idempotent
    def create(self, request: Request) -> Response:
        """Places an order. 201 with its id; the outcome comes later, at the address in
        `Location`.
        """
        asked = OrderIn(data=request.data)
        asked.is_valid(raise_exception=True)
        with _problems():
            placed = order_place(**asked.order())
        return self._accepted(placed)

    @action(detail=True, methods=["post"])
    @documented(OrderAcceptedSerializer, status=202, problems=["not-cancellable"])
    @idempotent
    def cancel(self, request: Request, order_id: UUID) -> Response:
        """Asks for the order to be cancelled. 202: shipping decides, and the outcome comes at the
        address in `Location`."""
        with _problems():
            cancelling = order_cancel(order_id=order_id)
        return self._accepted(cancelling)

    def _accepted(self, accepted: Accepted) -> Response:
        where = address(f"/api/orders/{accepted.order.pk}/")
        return self.answer(accepted, headers={"Location": where})


class ProductFilter(FilterSet):
    name = filters.CharFilter(lookup_expr="icontains")


class ProductViewSet(ApiViewSet):
    shows = (Product, Stock)
    queryset = product_list()
    lookup_url_kwarg = "product_id"
    lookup_value_converter = "key"
    missing = "No product {} can be ordered."

    @documented(OrderableProductSerializer, filters=ProductFilter)
    def list(self, request: Request) -> Response:
        """Products that can be ordered, as the local copy has them; `syncedAt` tells how fresh each
        is."""
        return super().list(request)

    @documented(OrderableProductSerializer)
    def retrieve(self, request: Request, **key: Any) -> Response:
        """The product as the local copy has it; `syncedAt` tells how fresh it is."""
        return super().retrieve(request, **key)


@contextmanager
def _problems() -> Iterator[None]:
    """What a use case raises, as the caller is told."""
    try:
        yield
    except UnknownOrder as error:
        raise NotFound(OrderViewSet.missing.format(error)) from error
    except UnknownProducts as error:
        raise Problem(
            "unknown-product", f"The order {error}.", products=error.product_ids
        ) from error
    except NotCancellable as error:
        raise Problem("not-cancellable", f"{error}.", orderStatus=error.status) from error
