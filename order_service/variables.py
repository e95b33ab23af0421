"""The variables that only the order service has."""

from __future__ import annotations

from polder.configuration.kinds import seconds
from polder.configuration.variables import Variable

YEAR = 366 * 24 * 3600

# An order that nobody decides about: when people are told, and when it is cancelled.
VARIABLES = (
    Variable(
        "ORDER_FLAG_AFTER_SECONDS",
        seconds(1, YEAR),
        "when an undecided order is flagged",
        "900",
        setting="ORDER_FLAG_AFTER",
    ),
    Variable(
        "ORDER_CANCEL_AFTER_SECONDS",
        seconds(1, YEAR),
        "when an undecided order is cancelled",
        "86400",
        setting="ORDER_CANCEL_AFTER",
    ),
)
