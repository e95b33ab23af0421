from inventory_service.models.owned import Movement, Product, Reservation, Stock
from inventory_service.models.replicas import Order

__all__ = ["Movement", "Order", "Product", "Reservation", "Stock"]
