"""What the housekeeper does of this package, when somebody is to hear of alarms."""

from __future__ import annotations

from polder.consumer.housekeeping import periodic
from polder.observability import alarms


@periodic("alarms", decides=False)
def tell_alarms() -> dict[str, int]:
    """Tells people what is wrong and what has ended: how many of each. Raises what went wrong with
    telling; then it is told again in half a minute."""
    return alarms.tell()
