"""The shop's language: every event that a service publishes."""

from common.contracts import inventory, orders, shipping

__all__ = ["inventory", "orders", "shipping"]
