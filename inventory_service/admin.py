"""The inventory service in the admin."""

from common.read_only_admin import register_read_only
from inventory_service.models import Movement, Order, Product, Reservation, Stock

register_read_only(Product, search_fields=("=product_id", "name"))
register_read_only(Stock, search_fields=("=product__product_id",), list_select_related=("product",))
register_read_only(Reservation, search_fields=("=order_id",), list_filter=("status",))
register_read_only(Movement, search_fields=("=product__product_id", "=cause"), list_filter=("kind",))
register_read_only(Order, search_fields=("=key",), list_filter=("status",))
