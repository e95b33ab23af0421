"""Storms: one row each, the failed ones too."""

from __future__ import annotations

from collections.abc import Sequence

from tests.reliability.results import Result, table

HEAD = ("seed", "minutes", "blows", "orders", "events", "again", "recovery", "invariants", "commit")


def section(storms: Sequence[Result]) -> str:
    """Raises KeyError when a result lacks what the page tells of."""
    if not storms:
        return "## Storms\n\n`make storm`: none is on record.\n"
    minutes = sum(storm["minutes"] for storm in storms)
    struck = sum(sum(storm["struck"].values()) for storm in storms)
    return f"""\
## Storms

`make storm minutes=10 seed=1`: faults drawn by the seed strike every 5 to 10 seconds, a quarter of the time two at once, while orders,
cancels, receipts, dispatches, deliveries and product changes go on; then rest, then every invariant. `record=1` adds a row here.
{minutes:g} minutes over {len({storm["seed"] for storm in storms})} seeds are on record, with {struck} faults.

{table(HEAD, (_row(storm) for storm in storms))}
"""


def _row(storm: Result) -> tuple[str, ...]:
    counted = (f"{storm[name]:,}" for name in ("orders", "events", "again"))
    holds = "; ".join(storm["failures"]) or "all hold"
    return (
        f"{storm['seed']}",
        f"{storm['minutes']:g}",
        f"{storm['blows']}",
        *counted,
        f"{storm['recovery']}",
        holds,
        f"{storm['commit']}",
    )
