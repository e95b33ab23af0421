"""The order service in the admin: orders, and what is done with them by hand."""

from __future__ import annotations

from django.contrib import admin

from order_service import board as _offers_actions  # noqa: F401
from order_service.models import MOVES, Order
from order_service.services import NotCancellable, UnknownOrder, order_cancel
from polder.admin.filters import is_set_filter
from polder.admin.operations import OperatedAdmin, Operation
from polder.admin.read_only import with_pretty_json


class OrderOperations(OperatedAdmin):
    list_filter = ("status", is_set_filter("flagged_at", "flagged"))
    search_fields = ("=id", "=customer_email")
    search_help_text = "An order's id, or a customer's e-mail address."
    operations = (
        Operation(
            name="cancel",
            label="Cancel",
            explains="Each order becomes “cancelling” and shipping decides: cancelled, or shipped "
            "when its shipment has left already. "
            "Only pending and confirmed orders can be cancelled.",
            run=lambda order, asked: order_cancel(order_id=order.pk),
            permission="order.cancel_order",
            errors=(UnknownOrder, NotCancellable),
            applies=lambda order: "cancelling" in MOVES.table[order.status],
            icon="cancel",
        ),
    )


COLUMNS = (
    "id",
    "status",
    "customer_name",
    "customer_email",
    "created_at",
    "updated_at",
    "flagged_at",
    "version",
)
admin.site.register(Order, with_pretty_json(OrderOperations, Order, list_display=COLUMNS))
