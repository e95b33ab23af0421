from order_service.models.owned import Order
from order_service.models.replicas import Product, Reservation, Stock

__all__ = ["Order", "Product", "Reservation", "Stock"]
