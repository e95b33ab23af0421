"""The shipping service in the admin: shipments, and what is done with them by hand."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from unfold.widgets import UnfoldAdminTextInputWidget

from polder.admin.operations import OperatedAdmin, Operation, ReasonForm
from polder.admin.read_only import with_pretty_json
from shipping_service.models import Shipment
from shipping_service.services import (
    NotDeliverable,
    NotDispatchable,
    UnknownShipment,
    shipment_deliver,
    shipment_dispatch,
)


class DispatchForm(ReasonForm):
    carrier = forms.CharField(max_length=100, widget=UnfoldAdminTextInputWidget)
    tracking_number = forms.CharField(max_length=100, widget=UnfoldAdminTextInputWidget)
    field_order = ("carrier", "tracking_number", "reason")


class ShipmentOperations(OperatedAdmin):
    list_filter = ("status",)
    search_fields = ("=order_id", "=tracking_number")
    search_help_text = "An order's id, or a tracking number."
    operations = (
        Operation(
            name="dispatch",
            label="Dispatch",
            explains="The shipments leave with the carrier: their stock is consumed, and their "
            "orders can no longer be cancelled. Only ready shipments can be dispatched.",
            run=lambda shipment, asked: shipment_dispatch(
                order_id=shipment.pk,
                carrier=asked["carrier"],
                tracking_number=asked["tracking_number"],
            ),
            permission="shipping.dispatch_shipment",
            errors=(UnknownShipment, NotDispatchable),
            form=DispatchForm,
            applies=lambda shipment: shipment.status == "ready",
            icon="local_shipping",
        ),
        Operation(
            name="deliver",
            label="Deliver",
            explains="The customers have them. Only dispatched shipments can be delivered.",
            run=lambda shipment, asked: shipment_deliver(order_id=shipment.pk),
            permission="shipping.deliver_shipment",
            errors=(UnknownShipment, NotDeliverable),
            applies=lambda shipment: shipment.status == "dispatched",
            icon="inventory",
        ),
    )


COLUMNS = (
    "order_id",
    "status",
    "city",
    "country",
    "weight_grams",
    "unweighed",
    "carrier",
    "tracking_number",
    "created_at",
    "version",
)
admin.site.register(Shipment, with_pretty_json(ShipmentOperations, Shipment, list_display=COLUMNS))
