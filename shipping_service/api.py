"""The shipping service's API: thin, from JSON to a use case and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django_filters import FilterSet
from django_filters import rest_framework as filters
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from common.contracts.shipping import ShipmentStatus
from polder.api.documented import documented
from polder.api.idempotency import idempotent
from polder.api.problems import Problem
from polder.api.view import ApiViewSet
from shipping_service.models import Shipment
from shipping_service.selectors import shipment_list
from shipping_service.serializers import DispatchIn, ShipmentMovedSerializer, ShipmentSerializer
from shipping_service.services import (
    NotDeliverable,
    NotDispatchable,
    UnknownShipment,
    shipment_deliver,
    shipment_dispatch,
)


class ShipmentFilter(FilterSet):
    orderId = filters.UUIDFilter(field_name="order_id")
    status = filters.ChoiceFilter(choices=[(status, status) for status in ShipmentStatus])
    trackingNumber = filters.CharFilter(field_name="tracking_number")


class ShipmentViewSet(ApiViewSet):
    shows = (Shipment,)
    queryset = shipment_list()
    lookup_url_kwarg = "order_id"
    lookup_value_converter = "id"
    missing = "There is no shipment for order {}."

    @documented(ShipmentSerializer, filters=ShipmentFilter)
    def list(self, request: Request) -> Response:
        """Shipments by order, oldest first; `?orderId=`, `?status=` and `?trackingNumber=` narrow
        it down."""
        return super().list(request)

    @documented(ShipmentSerializer)
    def retrieve(self, request: Request, **key: Any) -> Response:
        """The shipment of an order, with its packages."""
        return super().retrieve(request, **key)

    # not by the name `dispatch`: that is what Django calls a view by
    @action(detail=True, methods=["post"], url_path="dispatch")
    @documented(ShipmentMovedSerializer, request=DispatchIn, problems=["not-dispatchable"])
    @idempotent
    def send(self, request: Request, order_id: UUID) -> Response:
        """The shipment leaves with a carrier; from now on its order cannot be cancelled."""
        asked = DispatchIn(data=request.data)
        asked.is_valid(raise_exception=True)
        with _problems():
            moved = shipment_dispatch(
                order_id=order_id,
                carrier=asked.validated_data["carrier"],
                tracking_number=asked.validated_data["trackingNumber"],
            )
        return self.answer(moved)

    @action(detail=True, methods=["post"])
    @documented(ShipmentMovedSerializer, problems=["not-deliverable"])
    @idempotent
    def deliver(self, request: Request, order_id: UUID) -> Response:
        """The customer has it."""
        with _problems():
            moved = shipment_deliver(order_id=order_id)
        return self.answer(moved)


@contextmanager
def _problems() -> Iterator[None]:
    """What a use case raises, as the caller is told."""
    try:
        yield
    except UnknownShipment as error:
        raise NotFound(ShipmentViewSet.missing.format(error)) from error
    except NotDispatchable as error:
        raise Problem("not-dispatchable", f"{error}.", shipmentStatus=error.status) from error
    except NotDeliverable as error:
        raise Problem("not-deliverable", f"{error}.", shipmentStatus=error.status) from error
