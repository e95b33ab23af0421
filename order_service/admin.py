"""The order service in the admin."""

from common.read_only_admin import register_read_only
from order_service.models import Order, Product, Reservation, Shipment, Stock

register_read_only(Order, search_fields=("=id", "customer_email"), list_filter=("status",))
register_read_only(Product, Stock, Reservation, Shipment, search_fields=("=key",))
