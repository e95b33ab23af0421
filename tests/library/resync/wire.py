"""The messages of a resync, carried and spoiled by the test."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.db import connection
from uuid_utils.compat import uuid7

from common.contracts.inventory import ProductEvent
from common.contracts.orders import Customer
from order_service.models import Product
from polder.direct.messages import Message
from polder.replication.models import ReplicaState
from polder.resync import receiving
from polder.resync.messages import Lacking, Page, PageRequest, Row, RowsRequest

PRODUCT = "inventory.product"
# A rule that the code does not know, and that only some rows break.
_NO_BRICKS = """
CREATE FUNCTION pg_temp.no_bricks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.name LIKE 'Brick%' THEN RAISE EXCEPTION 'bricks cannot be ordered'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER no_bricks BEFORE INSERT ON replica_product
    FOR EACH ROW EXECUTE FUNCTION pg_temp.no_bricks()
"""

ADA = Customer.named("Ada", "ada@example.org")


class Wire:
    """What is said to other services; nothing goes to a broker. `owned`: inventory's products, by
    key."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Message]] = []
        self.owned: dict[str, ProductEvent] = {}
        self.waiting = 0
        self.size = 2
        self.fenced: set[str] = set()
        self.lacking: set[str] = set()  # keys of rows that inventory cannot say

    def say(self, routing_key: str, messages: Sequence[Message]) -> bool:
        self.said += [(routing_key, message) for message in messages]
        return True

    def owns(self, *events: ProductEvent) -> None:
        self.owned |= {event.subject: event for event in events}

    def asked(self) -> PageRequest | RowsRequest:
        """The last thing that was asked of inventory."""
        message = self.last()
        assert isinstance(message, PageRequest | RowsRequest)
        return message

    def last(self) -> Message:
        key, message = self.said[-1]
        assert key == "inventory.requests"
        return message

    def answer(self, request: PageRequest | RowsRequest | None = None) -> Page:
        """As inventory would."""
        page = self._answer(request or self.asked())
        lacking = [
            Lacking(key=row.key, version=row.version, why="it cannot be said")
            for row in page.rows
            if row.key in self.lacking
        ]
        rows = [row for row in page.rows if row.key not in self.lacking]
        return page.model_copy(update={"rows": rows, "lacking": lacking})

    def _answer(self, request: PageRequest | RowsRequest) -> Page:
        about = {"request": request.request, "read": uuid7(), "schema_version": 1}
        if isinstance(request, RowsRequest):
            keys = [one.key for one in request.keys if one.key not in self.fenced]
            return Page(
                **about,
                rows=[row(self.owned[key]) for key in keys if key in self.owned],
                unknown=[key for key in keys if key not in self.owned],
                disputed=[one.key for one in request.keys if one.key in self.fenced],
            )
        since = request.since
        rest = sorted(
            key
            for key, event in self.owned.items()
            if key > request.after and (since is None or event.time >= since)
        )
        keys, left = rest[: self.size], rest[self.size :]
        return Page(
            **about,
            rows=[row(self.owned[key]) for key in keys],
            after=request.after,
            through=keys[-1] if left else None,
            total=None if request.after or since else len(self.owned),
        )

    def run(self) -> ReplicaState:
        """Until it is over."""
        for _ in range(100):
            if state().state != ReplicaState.State.FILLING:
                return state()
            receiving.receive(self.answer())
        raise AssertionError(f"it never ends: {self.said}")


def row(event: ProductEvent) -> Row:
    return Row(
        key=event.subject,
        version=event.aggregateversion,
        time=event.time,
        data=event.data.model_dump(mode="json", by_alias=True),
    )


def state() -> ReplicaState:
    return ReplicaState.objects.get(pk=PRODUCT)


def products() -> dict[str, tuple[int, str]]:
    return {one.pk: (one.version, one.name) for one in Product.objects.all()}


def edit(key: str, **columns: int | str | Decimal) -> None:
    """By hand: only replication may write a replica through the ORM."""
    sets = ", ".join(f'"{column}" = %s' for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE replica_product SET {sets} WHERE key = %s", [*columns.values(), key]
        )


def refuse_bricks() -> None:
    """In the order service's database, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(_NO_BRICKS)
