"""The shop that the tests look at is the one that anybody sees from tests.blackbox."""

from __future__ import annotations

from tests.blackbox.shop import ADDRESS, CUSTOMER, EVER, OWNERS, Shop, duplicates, until

__all__ = ["ADDRESS", "CUSTOMER", "EVER", "OWNERS", "Shop", "duplicates", "until"]
