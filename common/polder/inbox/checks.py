"""What has to agree before a service starts: what a publisher may announce again, a subscriber
still knows."""

from __future__ import annotations

from typing import Any

from django.core.checks import Error, register

from polder import this_service
from polder.process.starts import STARTS


@register(STARTS)
def ledger_reaches_what_may_come_again(**_: Any) -> list[Error]:
    """Events that an owner announces again must be known as duplicates, and new ones must not be
    beyond the ledger's reach."""
    kept, announced = this_service.weeks_kept(), this_service.republish_weeks()
    if not this_service.subscribes_to() or max(kept, 4) >= announced:
        return []
    variable = f"{this_service.name().upper()}_WEEKS_KEPT"
    return [
        Error(
            f"the ledger keeps {max(kept, 4)} weeks, but publishers announce again what is up to "
            f"{announced} weeks old",
            hint=f"Raise {variable} to {announced}, or lower POLDER_REPUBLISH_WEEKS for every "
            "service.",
            id="polder.E024",
        )
    ]
