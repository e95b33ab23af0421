"""Looks at the shop while it works: every few seconds one sample."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from deploy.local.stack import Stack
from tests.blackbox.copies import SUBSCRIPTIONS
from tests.blackbox.shop import OWNERS, Shop
from tests.chaos.soak.usage import memory

WINDOW = 20.0  # seconds of events whose lag is told together
YOUNGEST = 5.0  # seconds: events made later than that ago may still be on their way

_LAG = """
SELECT coalesce(percentile_cont(%s) WITHIN GROUP (ORDER BY extract(epoch
    FROM applied_at - occurred_at)), '{}')::float[]
FROM polder_ledger WHERE id >= %s AND id < %s
"""
_POINTS = [0.5, 0.95, 1.0]


@dataclass
class Sample:
    at: float  # seconds since the beginning
    orders: int
    memory: dict[str, float]  # MB
    postgres: int  # connections
    rabbitmq: int
    unpublished: int
    queued: int  # messages in all queues
    # seconds from the making of an event to its being applied: p50, p95, most; of the worst
    # subscriber
    lag: tuple[float, float, float]


@dataclass
class Sampler:
    stack: Stack
    shop: Shop
    began: float = field(default_factory=time.monotonic)
    samples: list[Sample] = field(default_factory=list)

    def look(self, orders: int) -> Sample:
        with self.stack.postgres.connect() as server:
            sessions = int(
                server.execute(
                    "SELECT count(*) - 1 FROM pg_stat_activity WHERE backend_type = 'client "
                    "backend'"
                ).fetchall()[0][0]
            )
        broker = self._broker()
        sample = Sample(
            round(time.monotonic() - self.began, 1),
            orders,
            memory(self.stack),
            sessions,
            int(broker.get("object_totals", {}).get("connections", 0)),
            sum(
                self.shop.rows(
                    owner, "SELECT count(*) FROM polder_outbox WHERE published_at IS NULL"
                )[0][0]
                for owner in OWNERS
            ),
            int(broker.get("queue_totals", {}).get("messages", 0)),
            self._lag(),
        )
        self.samples.append(sample)
        return sample

    def _lag(self) -> tuple[float, float, float]:
        """Of the events made in the last window; the worst of the three subscribers."""
        end = time.time() - YOUNGEST
        found: list[Sequence[float]] = []
        for subscriber in SUBSCRIPTIONS:
            [[points]] = self.shop.rows(
                subscriber, _LAG, _POINTS, _first_key_at(end - WINDOW), _first_key_at(end)
            )
            found += [points] if points else []
        p50, p95, most = (
            max((points[number] for points in found), default=0.0) for number in range(3)
        )
        return round(p50, 3), round(p95, 3), round(most, 3)

    def _broker(self) -> dict[str, Any]:
        address = urlsplit(self.stack.environment.management_url)
        credentials = base64.b64encode(f"{address.username}:{address.password}".encode()).decode()
        request = Request(
            f"http://{address.hostname}:{address.port}/api/overview",
            headers={"Authorization": f"Basic {credentials}"},
        )
        with build_opener(ProxyHandler({})).open(request, timeout=20) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found


def _first_key_at(moment: float) -> str:
    """The lowest UUIDv7 that can have been made then."""
    digits = f"{int(moment * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}-0000-0000-000000000000"
