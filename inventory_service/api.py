"""The inventory service's API: thin, from JSON to a use case and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django_filters import FilterSet
from django_filters import rest_framework as filters
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from common.contracts.inventory import ReservationStatus
from inventory_service.models import Movement, Product, Reservation, Stock
from inventory_service.selectors import (
    movement_get,
    movement_list,
    product_get,
    product_list,
    reservation_get,
    reservation_list,
)
from inventory_service.serializers import (
    AdjustIn,
    MovementOut,
    ProductChangedOut,
    ProductChangeIn,
    ProductIn,
    ProductOut,
    ReceiveIn,
    ReservationOut,
)
from inventory_service.services import (
    Changed,
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
from polder.api.lists import list_response
from polder.api.problems import Problem
from polder.api.versions import etag, required_versions
from polder.api.view import ApiView


class ProductFilter(FilterSet):
    retired = TrueOrFalse(field_name="retired_at", lookup_expr="isnull", exclude=True)
    name = filters.CharFilter(lookup_expr="icontains")


class Products(ApiView):
    shows = (Product, Stock)

    @documented(ProductOut, filters=ProductFilter)
    def get(self, request: Request) -> Response:
        """Products by id, with their stock; `?retired=` and `?name=` narrow it down."""
        return list_response(
            self,
            request,
            product_list(),
            ProductFilter,
            lambda rows: [_product(row, row.stock) for row in rows],
        )

    @documented(ProductChangedOut, request=ProductIn, status=201, problems=["product-exists"])
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
            raise Problem("product-exists", f"There is a product {error}.") from error
        return Response(
            _changed(changed),
            status=201,
            headers={"Location": address(f"/api/products/{changed.product.pk}/")},
        )


class OneProduct(ApiView):
    shows = (Product, Stock)

    @documented(ProductOut)
    def get(self, request: Request, product_id: str) -> Response:
        """The product, with what is on hand, reserved and available."""
        product = product_get(product_id)
        if product is None:
            raise NotFound(f"There is no product {product_id}.")
        return Response(_product(product, product.stock))

    @documented(ProductChangedOut, request=ProductChangeIn, problems=["product-retired"])
    def patch(self, request: Request, product_id: str) -> Response:
        """Changes name, price or weight; `If-Match` says of which version."""
        versions = required_versions(request)
        asked = ProductChangeIn(data=request.data)
        asked.is_valid(raise_exception=True)
        with _problems(product_id):
            changed = product_change(
                product_id=product_id, versions=versions, changes=asked.changes()
            )
        return Response(_changed(changed), headers={"ETag": etag(changed.product.version)})


class Retire(ApiView):
    @documented(ProductChangedOut, problems=["product-retired"])
    @idempotent
    def post(self, request: Request, product_id: str) -> Response:
        """Takes the product out of what can be ordered."""
        with _problems(product_id):
            return Response(_changed(product_retire(product_id=product_id)))


class Receive(ApiView):
    @documented(ProductChangedOut, request=ReceiveIn, problems=["stock-limit"])
    @idempotent
    def post(self, request: Request, product_id: str) -> Response:
        """Adds what came in to the stock on hand."""
        asked = ReceiveIn(data=request.data)
        asked.is_valid(raise_exception=True)
        with _problems(product_id):
            return Response(_changed(stock_receive(product_id=product_id, **asked.validated_data)))


class Adjust(ApiView):
    @documented(ProductChangedOut, request=AdjustIn, problems=["stock-limit"])
    @idempotent
    def post(self, request: Request, product_id: str) -> Response:
        """Corrects the stock on hand, with the reason."""
        asked = AdjustIn(data=request.data)
        asked.is_valid(raise_exception=True)
        with _problems(product_id):
            return Response(_changed(stock_adjust(product_id=product_id, **asked.validated_data)))


class ReservationFilter(FilterSet):
    status = filters.ChoiceFilter(choices=[(status, status) for status in ReservationStatus])


class Reservations(ApiView):
    shows = (Reservation,)

    @documented(ReservationOut, filters=ReservationFilter)
    def get(self, request: Request) -> Response:
        """Reservations by order, oldest first; `?status=` narrows it down."""
        return list_response(
            self,
            request,
            reservation_list(),
            ReservationFilter,
            lambda rows: [_reservation(row) for row in rows],
        )


class OneReservation(ApiView):
    shows = (Reservation,)

    @documented(ReservationOut)
    def get(self, request: Request, order_id: UUID) -> Response:
        """What is reserved for an order, or was short."""
        reservation = reservation_get(order_id)
        if reservation is None:
            raise NotFound(f"There is no reservation for order {order_id}.")
        return Response(_reservation(reservation))


class MovementFilter(FilterSet):
    productId = filters.CharFilter(field_name="product_id")
    cause = filters.UUIDFilter()
    kind = filters.ChoiceFilter(choices=Movement.Kind.choices)


class Movements(ApiView):
    shows = (Movement,)

    @documented(MovementOut, filters=MovementFilter)
    def get(self, request: Request) -> Response:
        """The journal of the stock, oldest first; `?productId=`, `?cause=` and `?kind=` narrow it
        down."""
        return list_response(
            self,
            request,
            movement_list(),
            MovementFilter,
            lambda rows: [_movement(row) for row in rows],
        )


class OneMovement(ApiView):
    shows = (Movement,)

    @documented(MovementOut)
    def get(self, request: Request, movement_id: int) -> Response:
        """One change of stock, and what caused it."""
        movement = movement_get(movement_id)
        if movement is None:
            raise NotFound(f"There is no movement {movement_id}.")
        return Response(_movement(movement))


@contextmanager
def _problems(product_id: str) -> Iterator[None]:
    """What a use case raises, as the caller is told."""
    try:
        yield
    except UnknownProduct as error:
        raise NotFound(f"There is no product {product_id}.") from error
    except RetiredProduct as error:
        raise Problem("product-retired", f"{product_id} is retired.") from error
    except VersionMismatch as error:
        raise Problem("version-mismatch", f"{error}.", version=error.version) from error
    except StockLimit as error:
        raise Problem("stock-limit", f"{error}.") from error


def _changed(changed: Changed) -> dict[str, Any]:
    return _product(changed.product, changed.stock) | {"eventId": changed.event_id}


def _reservation(reservation: Reservation) -> dict[str, Any]:
    state = reservation.public_state().model_dump(mode="json", by_alias=True, exclude={"retired"})
    return state | {
        "version": reservation.version,
        "createdAt": reservation.created_at,
        "updatedAt": reservation.updated_at,
    }


def _movement(movement: Movement) -> dict[str, Any]:
    return {
        "movementId": movement.pk,
        "productId": movement.product_id,
        "kind": movement.kind,
        "onHand": movement.on_hand,
        "reserved": movement.reserved,
        "cause": movement.cause,
        "reason": movement.reason,
        "createdAt": movement.created_at,
    }


def _product(product: Product, stock: Stock) -> dict[str, Any]:
    state = product.public_state().model_dump(mode="json", by_alias=True)
    counts = stock.public_state().model_dump(
        mode="json", by_alias=True, exclude={"product_id", "retired"}
    )
    return state | counts | {"version": product.version}
