"""After each step: owners and replicas, row by row. At the end: what became of every event, by each subscriber's ledger."""

from __future__ import annotations

import time
from collections.abc import Sequence

from demo.errors import DemoFailed, Differs
from demo.teller import Teller
from outside.account import Account, accounts
from outside.comparison import Comparison, compare
from outside.copies import COPIES
from outside.shop import Shop

PATIENCE = 10.0  # seconds in which a row that was on its way has to have arrived
POLL_SECONDS = 0.2


def compare_all(shop: Shop, teller: Teller) -> None:
    """Tells what was compared. Raises Differs when a row does not become equal to its owner's in time.

    Others may be at work on the shop: a row is fine once it was equal, whatever comes after.
    """
    with teller.turning("owners and replicas are compared"):
        comparisons = {copy.replica: compare(shop, copy) for copy in COPIES}
        _wait_for_the_late(shop, comparisons)
    teller.compared(list(comparisons.values()))


def _wait_for_the_late(shop: Shop, comparisons: dict[str, Comparison]) -> None:
    late = {(replica, row.key) for replica, comparison in comparisons.items() for row in comparison.differences}
    deadline = time.monotonic() + PATIENCE
    differences = [row for comparison in comparisons.values() for row in comparison.differences]
    while late:
        if time.monotonic() > deadline:
            raise Differs(differences, sum(comparison.rows for comparison in comparisons.values()))
        time.sleep(POLL_SECONDS)
        again = [compare(shop, comparison.copy) for replica, comparison in comparisons.items() if replica in {name for name, _ in late}]
        differences = [row for comparison in again for row in comparison.differences if (row.copy.replica, row.key) in late]
        late = {(row.copy.replica, row.key) for row in differences}


def account_for_all(shop: Shop, teller: Teller) -> list[Account]:
    """Every published event is queued or has one outcome. Raises DemoFailed when some stay unaccounted for."""
    deadline = time.monotonic() + PATIENCE
    with teller.turning("every event is accounted for"):
        found = before = accounts(shop)
        while any(account.missing for account in found):
            if time.monotonic() > deadline and found == before:  # while others are at work it is never quite still
                raise DemoFailed(f'{_missing(found)}. Is a worker down? `make status`, then docs/operations.md, "Is everything through?"')
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
            before, found = found, accounts(shop)
    return found


def _missing(found: Sequence[Account]) -> str:
    unaccounted = [account for account in found if account.missing]
    return "; ".join(f"{one.missing} events of {one.publisher} are neither queued nor in the ledger of {one.subscriber}" for one in unaccounted)
