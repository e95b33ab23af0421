"""One look at a shop: what the checks share, and how much each of them compared."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.blackbox.copies import SUBSCRIPTIONS
from tests.blackbox.shop import EVER, Shop

NEVER_DROPPED = timedelta(weeks=4)  # weeks of outbox and ledger younger than that are never dropped
_FIRST_KEPT = """
SELECT min((regexp_match(pg_get_expr(c.relpartbound, c.oid), $q$FROM \\('([^']+)'\\)$q$))[1])::uuid
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent IN ('polder_outbox'::regclass, 'polder_ledger'::regclass)
GROUP BY i.inhparent
"""


@dataclass
class Look:
    """`lived`: the shop is older than the tests, and may have dropped weeks, forgotten answers and
    fixed drift."""

    shop: Shop
    lived: bool = False
    since: UUID = EVER  # events made before are not compared: some service may have dropped them
    # the events that each service has committed
    sent: dict[str, set[UUID]] = field(default_factory=dict)
    # by invariant: how many of what
    compared: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @classmethod
    def at(cls, shop: Shop, *, lived: bool = False) -> Look:
        look = cls(shop, lived)
        if lived:
            look.since = max(
                UUID(str(first))
                for owner in SUBSCRIPTIONS
                for (first,) in shop.rows(owner, _FIRST_KEPT)
                if first is not None
            )
        look.sent = {
            owner: {
                key for (key,) in look.kept(owner, "SELECT id FROM polder_outbox WHERE id >= %s")
            }
            for owner in SUBSCRIPTIONS
        }
        return look

    @property
    def may_have_dropped(self) -> bool:
        """Whether events may be missing because their weeks were dropped."""
        return self.lived and moment_of(self.since) < datetime.now(UTC) - NEVER_DROPPED

    def kept(self, service: str, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows of a table with a UUIDv7 key; the first parameter of the SQL is where to begin."""
        return self.shop.rows(service, sql, self.since, *parameters)

    def count(self, invariant: str, what: str, number: int) -> None:
        self.compared[invariant][what] += number


def moment_of(key: UUID) -> datetime:
    """When a UUIDv7 was made."""
    return datetime.fromtimestamp((key.int >> 80) / 1000, UTC)
