"""The inventory service's API: thin, from JSON to a use case and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django_filters import FilterSet
from django_filters import rest_framework as filters
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from common.contracts.inventory import ReservationStatus
from inventory_service.models import Movement, Product, Reservation, Stock
from inventory_service.selectors import movement_list, product_list, reservation_list
from inventory_service.serializers import (
    AdjustIn,
    MovementSerializer,
    ProductChangedSerializer,
    ProductChangeIn,
    ProductIn,
    ProductSerializer,
    ReceiveIn,
    ReservationSerializer,
)
from inventory_service.services import (
    ProductExists,
    RetiredProduct,
    StockLimit,
    UnknownProduct,
    VersionMismatch,
    product_change,
    product_create,
    product_retire,
    stock_adjust,
    stock_receive,
)
from polder.api.addresses import address
from polder.api.documented import documented
from polder.api.filters import TrueOrFalse
from polder.api.idempotency import idempotent
from polder.api.problems import Problem
from polder.api.versions import etag, required_versions
from polder.api.view import ApiViewSet


class ProductFilter(FilterSet):
    retired = TrueOrFalse(field_name="retired_at", lookup_expr="isnull", exclude=True)
    name = filters.CharFilter(lookup_expr="icontains")


class ProductViewSet(ApiViewSet):
    shows = (Product, Stock)
    queryset = product_list()
    lookup_url_kwarg = "product_id"
    lookup_value_converter = "sku"
    missing = "There is no product {}."

    @documented(ProductSerializer, filters=ProductFilter)
    def list(self, request: Request) -> Response:
        """Products by id, with their stock; `?retired=` and `?name=` narrow it down."""
        return super().list(request)

    @documented(ProductSerializer)
    def retrieve(self, request: Request, **key: Any) -> Response:
        """The product, with what is on hand, reserved and available."""
        return super().retrieve(request, **key)

    @documented(
        ProductChangedSerializer, request=ProductIn, status=201, problems=["product-exists"]
    )
    @idempotent
    def create(self, request: Request) -> Response:
        """Adds a product, with nothing of it on hand."""
        asked = ProductIn(data=request.data)
        asked.is_valid(raise_exception=True)
        with _problems():
            created = product_create(**asked.product())
        where = address(f"/api/products/{created.product.pk}/")
        return self.answer(created, headers={"Location": where})

    @documented(ProductChangedSerializer, request=ProductChangeIn, problems=["product-retired"])
    def partial_update(self, request: Request, product_id: str) -> Response:
        """Changes name, price or weight; `If-Match` says of which version."""
        versions = required_versions(request)
        asked = ProductChangeIn(data=request.data)
        asked.is_valid(raise_exception=True)
        with _problems():
            changed = product_change(
                product_id=product_id, versions=versions, changes=asked.changes()
            )
        return self.answer(changed, headers={"ETag": etag(changed.product.version)})

    @action(detail=True, methods=["post"])
    @documented(ProductChangedSerializer, request=ReceiveIn, problems=["stock-limit"])
    @idempotent
    def receive(self, request: Request, product_id: str) -> Response:
        """Adds what came in to the stock on hand."""
        asked = ReceiveIn(data=request.data)
        asked.is_valid(raise_exception=True)
        with _problems():
            changed = stock_receive(product_id=product_id, **asked.validated_data)
        return self.answer(changed)

    @action(detail=True, methods=["post"])
    @documented(ProductChangedSerializer, request=AdjustIn, problems=["stock-limit"])
    @idempotent
    def adjust(self, request: Request, product_id: str) -> Response:
        """Corrects the stock on hand, with the reason."""
        asked = AdjustIn(data=request.data)
        asked.is_valid(raise_exception=True)
        with _problems():
            changed = stock_adjust(product_id=product_id, **asked.validated_data)
        return self.answer(changed)

    @action(detail=True, methods=["post"])
    @documented(ProductChangedSerializer, problems=["product-retired"])
    @idempotent
    def retire(self, request: Request, product_id: str) -> Response:
        """Takes the product out of what can be ordered."""
        with _problems():
            changed = product_retire(product_id=product_id)
        return self.answer(changed)


class ReservationFilter(FilterSet):
    status = filters.ChoiceFilter(choices=[(status, status) for status in ReservationStatus])


class ReservationViewSet(ApiViewSet):
    shows = (Reservation,)
    queryset = reservation_list()
    lookup_url_kwarg = "order_id"
    lookup_value_converter = "id"
    missing = "There is no reservation for order {}."

    @documented(ReservationSerializer, filters=ReservationFilter)
    def list(self, request: Request) -> Response:
        """Reservations by order, oldest first; `?status=` narrows it down."""
        return super().list(request)

    @documented(ReservationSerializer)
    def retrieve(self, request: Request, **key: Any) -> Response:
        """What is reserved for an order, or was short."""
        return super().retrieve(request, **key)


class MovementFilter(FilterSet):
    productId = filters.CharFilter(field_name="product_id")
    cause = filters.UUIDFilter()
    kind = filters.ChoiceFilter(choices=Movement.Kind.choices)


class MovementViewSet(ApiViewSet):
    shows = (Movement,)
    queryset = movement_list()
    lookup_url_kwarg = "movement_id"
    lookup_value_converter = "int"
    missing = "There is no movement {}."

    @documented(MovementSerializer, filters=MovementFilter)
    def list(self, request: Request) -> Response:
        """The journal of the stock, oldest first; `?productId=`, `?cause=` and `?kind=` narrow it
        down."""
        return super().list(request)

    @documented(MovementSerializer)
    def retrieve(self, request: Request, **key: Any) -> Response:
        """One change of stock, and what caused it."""
        return super().retrieve(request, **key)


@contextmanager
def _problems() -> Iterator[None]:
    """What a use case raises, as the caller is told."""
    try:
        yield
    except UnknownProduct as error:
        raise NotFound(ProductViewSet.missing.format(error)) from error
    except ProductExists as error:
        raise Problem("product-exists", f"There is a product {error}.") from error
    except RetiredProduct as error:
        raise Problem("product-retired", f"{error} is retired.") from error
    except VersionMismatch as error:
        raise Problem("version-mismatch", f"{error}.", version=error.version) from error
    except StockLimit as error:
        raise Problem("stock-limit", f"{error}.") from error
