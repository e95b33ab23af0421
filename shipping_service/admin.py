"""The shipping service in the admin."""

from common.read_only_admin import register_read_only
from shipping_service.models import Order, Product, Reservation, Shipment

register_read_only(Shipment, search_fields=("=order_id", "=tracking_number"), list_filter=("status",))
register_read_only(Order, Product, Reservation, search_fields=("=key",))
