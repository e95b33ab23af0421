"""Money in a contract."""

from __future__ import annotations

from polder.contracts.event import Value
from polder.contracts.types import Amount, Currency


class Money(Value):
    """A decimal string and an ISO 4217 code."""

    amount: Amount
    """Exact: a text of digits with at most two places."""
    currency: Currency
