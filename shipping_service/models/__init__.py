from shipping_service.models.owned import MOVES, Shipment
from shipping_service.models.replicas import Order, Product, Reservation

__all__ = ["MOVES", "Order", "Product", "Reservation", "Shipment"]
