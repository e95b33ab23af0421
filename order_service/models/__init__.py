from order_service.models.owned import MOVES, UNDECIDED, Order
from order_service.models.replicas import Product, Reservation, Shipment, Stock

__all__ = ["MOVES", "UNDECIDED", "Order", "Product", "Reservation", "Shipment", "Stock"]
