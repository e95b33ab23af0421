"""The owner that an audit asks, played by the test."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from common.contracts.inventory import ProductEvent
from order_service.models import Order, Product
from polder.replication.content import hash_of, kind_named
from polder.replication.digest import bits
from polder.replication.models import Drift, ReplicaState
from polder.replication.replica import plain
from polder.resync import receiving, weighing
from polder.resync.messages import (
    Bucket,
    Content,
    Digests,
    DigestsRequest,
    KeysRequest,
    Listed,
    Listing,
)
from polder.testing import deliver
from tests.library.resync.wire import PRODUCT, Wire, edit, state
from tests.makers import product_event

VERSION = Order.contract.schema_version


class Owner(Wire):
    """Answers an audit, too. `unsaid`: keys whose newest version it has not published."""

    def __init__(self) -> None:
        super().__init__()
        self.unsaid: set[str] = set()
        self.bucket = 3
        self.refused = ""

    def answer_any(self) -> Any:
        request = self.last()
        if isinstance(request, DigestsRequest):
            return self._digests(request)
        return self._keys(request) if isinstance(request, KeysRequest) else self.answer(request)

    def hash(self, event: ProductEvent, content: Content | None) -> str:
        if content is None:
            return ""
        values = []
        for field in content.fields:
            value: Any = event.data
            for name in field.path.split("."):
                value = getattr(value, name)
            values.append(plain(value))
        return hash_of(
            event.data.retired, values, [kind_named(field.kind) for field in content.fields]
        )

    def _digests(self, request: DigestsRequest) -> Digests:
        keys = sorted(key for key in self.owned if key > request.after)
        buckets = []
        for at in range(0, len(keys), self.bucket):
            digest = 0
            for key in keys[at : at + self.bucket]:
                event = self.owned[key]
                hashed = self.hash(event, request.content)
                digest ^= bits(key, event.aggregateversion, hashed)
            through = keys[at + self.bucket - 1] if at + self.bucket < len(keys) else None
            rows = len(keys[at : at + self.bucket])
            buckets.append(Bucket(through=through, rows=rows, digest=digest))
        return Digests(
            request=request.request,
            read=uuid7(),
            after=request.after,
            buckets=buckets or [Bucket(through=None, rows=0, digest=0)],
            total=len(self.owned),
            refused=self.refused,
        )

    def _keys(self, request: KeysRequest) -> Listing:
        keys = sorted(
            key
            for key in self.owned
            if key > request.after and (request.through is None or key <= request.through)
        )
        listed = [
            Listed(
                key=key,
                version=self.owned[key].aggregateversion,
                hash=self.hash(self.owned[key], request.content),
            )
            for key in keys
        ]
        return Listing(
            request=request.request,
            read=uuid7(),
            rows=listed,
            unsaid=[key for key in keys if key in self.unsaid],
            retired=[key for key in keys if self._is_retired(key, request.retired_before)],
        )

    def _is_retired(self, key: str, before: datetime | None) -> bool:
        event = self.owned[key]
        return before is not None and event.data.retired and event.time < before

    def go_on(self) -> ReplicaState:
        """Until it is over, or waits for what is on its way."""
        for _ in range(100):
            if state().state != "auditing" or state().request_id is None:
                return state()
            assert receiving.receive(self.answer_any())
        raise AssertionError(f"it never ends: {self.said}")

    def run_all(self) -> ReplicaState:
        """Until it is over; nothing is on its way."""
        self.go_on()
        empty_the_queue()
        return self.go_on()


def empty_the_queue() -> None:
    """Of the owner's events; and a while passes."""
    weighing.weigh(PRODUCT)
    ReplicaState.objects.filter(emptied_at__isnull=False).update(
        emptied_at=timezone.now() - timedelta(minutes=1)
    )
    weighing.weigh(PRODUCT)


def drift() -> dict[str, str]:
    return dict(Drift.objects.order_by("id").values_list("key", "kind"))


def as_owned(owner: Owner) -> bool:
    theirs = {
        key: (event.aggregateversion, event.data.name, event.data.price.amount)
        for key, event in owner.owned.items()
    }
    ours = Product.objects.values_list("pk", "version", "name", "price")
    return theirs == {key: tuple(row) for key, *row in ours}


def delete(key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM replica_product WHERE key = %s", [key])


def plant(owner: Owner) -> None:
    """One difference of each kind that a quick audit finds."""
    delete("p1")
    edit("p4", version=1)
    edit("p5", version=9)
    deliver(product_event(product_id="p5x"))
