from inventory_service.models.owned import MOVES, Movement, Owed, Product, Reservation, Stock
from inventory_service.models.replicas import Order, Shipment

__all__ = ["MOVES", "Movement", "Order", "Owed", "Product", "Reservation", "Shipment", "Stock"]
