from inventory_service.models.owned import MOVES, Movement, Product, Reservation, Stock
from inventory_service.models.replicas import Order, Shipment

__all__ = ["MOVES", "Movement", "Order", "Product", "Reservation", "Shipment", "Stock"]
