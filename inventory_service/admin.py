"""The inventory service in the admin: products, stock, reservations and the journal, and what is
done with them by hand."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from inventory_service.models import Movement, Product, Reservation, Stock
from inventory_service.services import (
    RetiredProduct,
    StockLimit,
    UnknownProduct,
    product_retire,
    stock_adjust,
    stock_receive,
)
from polder.admin.filters import is_set_filter
from polder.admin.operations import OperatedAdmin, Operation, ReasonForm
from polder.admin.read_only import ReadOnlyAdmin, with_pretty_json
from polder.contracts.types import LARGEST_COUNT


class ReceiveForm(ReasonForm):
    quantity = forms.IntegerField(
        min_value=1, max_value=LARGEST_COUNT, widget=UnfoldAdminIntegerFieldWidget
    )
    field_order = ("quantity", "reason")


class AdjustForm(ReasonForm):
    quantity = forms.IntegerField(
        min_value=-LARGEST_COUNT,
        max_value=LARGEST_COUNT,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Less with a minus: -2.",
    )
    field_order = ("quantity", "reason")

    def clean_quantity(self) -> int:
        quantity = int(self.cleaned_data["quantity"])
        if quantity == 0:
            raise forms.ValidationError("Nothing to adjust.")
        return quantity


class ProductOperations(OperatedAdmin):
    list_filter = (is_set_filter("retired_at", "retired"),)
    search_fields = ("=product_id", "name")
    search_help_text = "A product's id, or part of its name."
    operations = (
        Operation(
            name="retire",
            label="Retire",
            explains="The products can no longer be ordered; what is reserved stays reserved. "
            "Creating one again brings it back.",
            run=lambda product, asked: product_retire(product_id=product.pk),
            permission="inventory.retire_product",
            errors=(UnknownProduct, RetiredProduct),
            applies=lambda product: product.retired_at is None,
            icon="block",
        ),
    )


class StockOperations(OperatedAdmin):
    search_fields = ("=product__product_id",)
    search_help_text = "A product's id."
    list_select_related = ("product",)
    operations = (
        Operation(
            name="receive",
            label="Receive",
            explains="What came in is added to what is on hand, for each product the same "
            "quantity.",
            run=lambda stock, asked: stock_receive(product_id=stock.pk, quantity=asked["quantity"]),
            permission="inventory.receive_stock",
            errors=(UnknownProduct, StockLimit),
            form=ReceiveForm,
            icon="add_box",
        ),
        Operation(
            name="adjust",
            label="Adjust",
            explains="What is on hand is corrected by the quantity. It cannot fall below what is "
            "reserved.",
            run=lambda stock, asked: stock_adjust(
                product_id=stock.pk, quantity=asked["quantity"], reason=asked["reason"][:200]
            ),
            permission="inventory.adjust_stock",
            errors=(UnknownProduct, StockLimit),
            form=AdjustForm,
            icon="tune",
        ),
    )


RESERVATIONS = {
    "list_filter": ("status",),
    "search_fields": ("=order_id",),
    "search_help_text": "An order's id.",
}
JOURNAL = {
    "list_filter": ("kind",),
    "search_fields": ("=product__product_id", "=cause"),
    "search_help_text": "A product's id, or an order's.",
}

admin.site.register(Product, with_pretty_json(ProductOperations, Product))
STOCK = ("product", "on_hand", "reserved", "available", "updated_at", "version")
admin.site.register(
    Stock,
    with_pretty_json(
        StockOperations,
        Stock,
        list_display=STOCK,
        readonly_fields=("available",),
        more_fields=("available",),
    ),
)
admin.site.register(Reservation, with_pretty_json(ReadOnlyAdmin, Reservation, **RESERVATIONS))
admin.site.register(Movement, with_pretty_json(ReadOnlyAdmin, Movement, **JOURNAL))
