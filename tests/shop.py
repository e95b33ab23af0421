"""The shop that the tests look at is the one that anybody sees from outside."""

from __future__ import annotations

from outside.shop import ADDRESS, CUSTOMER, EVER, OWNERS, Shop, duplicates, until

__all__ = ["ADDRESS", "CUSTOMER", "EVER", "OWNERS", "Shop", "duplicates", "until"]
