"""Money in a contract."""

from __future__ import annotations

from common.contracts.event import Value
from common.contracts.text import Amount, Currency


class Money(Value):
    """A decimal string and an ISO 4217 code."""

    amount: Amount
    currency: Currency
