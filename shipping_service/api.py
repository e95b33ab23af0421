"""The shipping service's API: thin, from JSON to a use case and back."""

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

from common.contracts.shipping import ShipmentStatus
from polder.api.documented import documented
from polder.api.idempotency import idempotent
from polder.api.lists import list_response
from polder.api.problems import Problem
from polder.api.view import ApiView
from shipping_service.models import Shipment
from shipping_service.selectors import shipment_get, shipment_list
from shipping_service.serializers import DispatchIn, ShipmentMovedOut, ShipmentOut
from shipping_service.services import (
    Moved,
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


class Shipments(ApiView):
    shows = (Shipment,)

    @documented(ShipmentOut, filters=ShipmentFilter)
    def get(self, request: Request) -> Response:
        """Shipments by order, oldest first; `?orderId=`, `?status=` and `?trackingNumber=` narrow
        it down."""
        return list_response(
            self,
            request,
            shipment_list(),
            ShipmentFilter,
            lambda rows: [_shipment(row) for row in rows],
        )


class OneShipment(ApiView):
    shows = (Shipment,)

    @documented(ShipmentOut)
    def get(self, request: Request, order_id: UUID) -> Response:
        """The shipment of an order, with its packages."""
        shipment = shipment_get(order_id)
        if shipment is None:
            raise NotFound(f"There is no shipment for order {order_id}.")
        return Response(_shipment(shipment))


class Dispatch(ApiView):
    @documented(ShipmentMovedOut, request=DispatchIn, problems=["not-dispatchable"])
    @idempotent
    def post(self, request: Request, order_id: UUID) -> Response:
        """The shipment leaves with a carrier; from now on its order cannot be cancelled."""
        asked = DispatchIn(data=request.data)
        asked.is_valid(raise_exception=True)
        carrier, tracking_number = (
            asked.validated_data["carrier"],
            asked.validated_data["trackingNumber"],
        )
        with _problems(order_id):
            return Response(
                _moved(
                    shipment_dispatch(
                        order_id=order_id, carrier=carrier, tracking_number=tracking_number
                    )
                )
            )


class Deliver(ApiView):
    @documented(ShipmentMovedOut, problems=["not-deliverable"])
    @idempotent
    def post(self, request: Request, order_id: UUID) -> Response:
        """The customer has it."""
        with _problems(order_id):
            return Response(_moved(shipment_deliver(order_id=order_id)))


@contextmanager
def _problems(order_id: UUID) -> Iterator[None]:
    """What a use case raises, as the caller is told."""
    try:
        yield
    except UnknownShipment as error:
        raise NotFound(f"There is no shipment for order {order_id}.") from error
    except NotDispatchable as error:
        raise Problem("not-dispatchable", f"{error}.", shipmentStatus=error.status) from error
    except NotDeliverable as error:
        raise Problem("not-deliverable", f"{error}.", shipmentStatus=error.status) from error


def _moved(moved: Moved) -> dict[str, Any]:
    return _shipment(moved.shipment) | {"eventId": str(moved.event_id)}


def _shipment(shipment: Shipment) -> dict[str, Any]:
    state = shipment.public_state().model_dump(mode="json", by_alias=True, exclude={"retired"})
    rest = {
        "unweighed": shipment.unweighed,
        "version": shipment.version,
        "createdAt": shipment.created_at,
        "updatedAt": shipment.updated_at,
    }
    return {"shipmentId": str(shipment.pk)} | state | rest
