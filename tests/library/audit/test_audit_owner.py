"""What the owner answers to who compares with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from order_service.models import Order
from order_service.services import Line, order_cancel, order_place
from polder.contracts.event import State
from polder.direct.hearing import hear
from polder.outbox.guard.bypass import unguarded
from polder.outbox.models import OutboxEvent
from polder.replication.digest import bits
from polder.resync import digests
from polder.resync.messages import (
    Content,
    DeclaredField,
    Digests,
    DigestsRequest,
    KeysRequest,
    Listing,
)
from tests.library.audit.owner import VERSION, Owner
from tests.library.pasts.saying import arriving
from tests.library.resync.wire import ADA
from tests.makers import HOME


class TestTheOwner:
    @pytest.fixture
    def orders(self, owner: Owner) -> list[Order]:
        for _ in range(5):
            order_place(customer=ADA, address=HOME, lines=[Line("p1", 1)])
        order_cancel(order_id=Order.objects.first().pk)  # type: ignore[union-attr]
        return list(Order.objects.order_by("id"))

    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(digests, "BUCKET", 2)

    def about(self, after: str = "") -> Mapping[str, Any]:
        return {"asker": "shipping", "request": uuid4(), "aggregate": "order", "after": after}

    @property
    def content(self) -> Content:
        fields = [
            DeclaredField(column="status", path="status", kind="text"),
            DeclaredField(column="shipping_address", path="shipping_address", kind="json"),
        ]
        return Content(schema_version=VERSION, fields=fields)

    def test_content_that_a_row_cannot_have(self, orders: list[Order]) -> None:
        """As where the asker's column is of another type: it is told, and others are answered."""
        field = DeclaredField(column="status", path="status", kind="integer")
        content = Content(schema_version=VERSION, fields=[field])

        for answer in (
            digests.digests_of(DigestsRequest(**self.about(), size=500, content=content)),
            digests.keys_of(KeysRequest(**self.about(), content=content)),
        ):
            assert answer.refused == f"order {orders[0].pk} has no such content: ValueError"

    def test_buckets_in_sql_and_in_python(self, orders: list[Order]) -> None:
        found = digests.digests_of(DigestsRequest(**self.about(), size=500))

        keys = [str(order.pk) for order in orders]
        said = [bits(str(order.pk), order.version, "") for order in orders]
        assert [(one.through, one.rows, one.digest) for one in found.buckets] == [
            (keys[1], 2, said[0] ^ said[1]),
            (keys[3], 2, said[2] ^ said[3]),
            (None, 1, said[4]),
        ]
        assert found.total == 5

        rest = digests.digests_of(DigestsRequest(**self.about(keys[1]), size=2))
        assert [(one.through, one.rows) for one in rest.buckets] == [(keys[3], 2)]
        end = digests.digests_of(DigestsRequest(**self.about(keys[4]), size=2))
        assert [(one.through, one.rows) for one in end.buckets] == [(None, 0)]

    def test_the_content_of_what_is_declared(self, orders: list[Order]) -> None:
        request = DigestsRequest(**self.about(), size=500, content=self.content)
        before = digests.digests_of(request).buckets
        with unguarded("a test of what is edited by hand"):
            Order.objects.filter(pk=orders[0].pk).update(customer_name="nobody keeps it")
        assert digests.digests_of(request).buckets == before

        with unguarded("a test of what is edited by hand"):
            Order.objects.filter(pk=orders[0].pk).update(city="edited")
        after = digests.digests_of(request).buckets
        assert [one == other for one, other in zip(before, after, strict=True)] == [
            False,
            True,
            True,
        ]

    def test_a_row_that_cannot_be_said_is_named(self, orders: list[Order], owner: Owner) -> None:
        owner.said.clear()
        with unguarded("a row that the contract does not take"):
            Order.objects.filter(pk=orders[3].pk).update(lines=[{}])
        requests = [
            DigestsRequest(**self.about(), size=500, content=self.content),
            KeysRequest(**self.about(), content=self.content),
        ]

        hear(arriving("order.requests", *requests))

        digested, listing = [message for _, message in owner.said]
        assert isinstance(digested, Digests)
        assert isinstance(listing, Listing)
        assert f"order cannot say its order {orders[3].pk}: " in digested.refused
        assert f"order cannot say its order {orders[3].pk}: " in listing.refused

    def test_keys_with_what_is_not_published(self, orders: list[Order]) -> None:
        OutboxEvent.objects.exclude(subject=str(orders[1].pk)).update(published_at=timezone.now())
        keys = [str(order.pk) for order in orders]

        found = digests.keys_of(KeysRequest(**self.about(keys[0]), through=keys[2]))

        assert [(one.key, one.version) for one in found.rows] == [
            (str(order.pk), order.version) for order in orders[1:3]
        ]
        assert (found.unsaid, found.through) == ([keys[1]], None)

    def test_which_were_retired_long_ago(
        self, orders: list[Order], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Given the first retired just now, the second long ago; of the third nothing can be said
        now, state_of = timezone.now(), Order.public_state
        retired = {orders[0].pk, orders[1].pk}
        Order.objects.exclude(pk=orders[0].pk).update(updated_at=now - timedelta(days=2))

        def said(row: Order) -> State:
            if row.pk == orders[2].pk:
                raise ValueError("no order")
            return state_of(row).model_copy(update={"retired": row.pk in retired})

        monkeypatch.setattr(Order, "public_state", said)

        # Then
        found = digests.keys_of(KeysRequest(**self.about(), retired_before=now - timedelta(days=1)))
        assert (found.retired, len(found.rows)) == ([str(orders[1].pk)], 5)
        assert digests.keys_of(KeysRequest(**self.about())).retired == []

    def test_heard_and_answered_as_it_goes_over_the_wire(
        self, orders: list[Order], owner: Owner
    ) -> None:
        owner.said.clear()
        requests = [
            DigestsRequest(**self.about(), size=500, content=self.content),
            KeysRequest(**self.about(), content=self.content),
        ]

        for request in requests:
            hear(arriving("order.requests", request))
        answers = [message for key, message in owner.said if key == "shipping.answers"]

        assert [type(answer) for answer in answers] == [Digests, Listing]
        assert hear(arriving("order.answers", *answers)) == 2, "and nobody waits for them"
        assert [len(answer.rows) for answer in answers if isinstance(answer, Listing)] == [5]

    def test_cut_where_it_would_be_too_many(
        self, orders: list[Order], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(digests, "MOST_LISTED", 2)
        found = digests.keys_of(KeysRequest(**self.about()))
        assert (len(found.rows), found.through) == (2, str(orders[1].pk))

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            ({"aggregate": "teapot"}, "owns no teapot"),
            ({"after": "no uuid"}, "is no key"),
            ({"content": {"schema_version": 9, "fields": []}}, f"version {VERSION} of order"),
            (
                {"content": {"schema_version": VERSION, "fields": [("a", "shipping_address.no")]}},
                "says no shipping_address.no",
            ),
            ({"content": {"schema_version": VERSION, "fields": [("a", "__class__")]}}, "says no"),
        ],
    )
    def test_what_it_cannot_say(
        self, orders: list[Order], change: Mapping[str, Any], told: str
    ) -> None:
        if "content" in change:
            fields: Sequence[tuple[str, str]] = change["content"]["fields"]
            declared = [DeclaredField(column=one, path=path, kind="text") for one, path in fields]
            change = {
                "content": Content(
                    schema_version=change["content"]["schema_version"], fields=declared
                )
            }
        about = {**self.about(), **change}
        assert told in digests.digests_of(DigestsRequest(**about, size=500)).refused
        assert told in digests.keys_of(KeysRequest(**about)).refused
