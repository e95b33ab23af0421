"""What the owner answers to who asks for its rows."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import models
from uuid_utils.compat import uuid7

from common.contracts.orders import OrderState
from order_service.models import Order, Product
from order_service.services import Line, order_place
from polder.database.partitioning import database_now, first_key_at, is_moment
from polder.direct.hearing import hear
from polder.outbox import gate
from polder.outbox.guard.bypass import unguarded
from polder.outbox.models import Fenced
from polder.resync import digests, owner
from polder.resync.messages import (
    Content,
    DigestsRequest,
    KeysRequest,
    Page,
    PageRequest,
    Proven,
    RowsRequest,
)
from polder.testing import deliver
from polder.testing.database import other_connection
from tests.library.pasts.saying import arriving
from tests.library.resync.wire import ADA, Wire
from tests.makers import HOME, product_event


def said(page: Page) -> Page:
    """As it goes over the wire."""
    return Page.model_validate_json(page.encode())


class TestTheOwner:
    @pytest.fixture
    def orders(self, wire: Wire) -> list[UUID]:
        deliver(product_event())
        return sorted(
            order_place(customer=ADA, address=HOME, lines=[Line("p1", 1)]).order.pk
            for _ in range(5)
        )

    def request(self, after: str = "", size: int = 2) -> PageRequest:
        return PageRequest(
            asker="shipping", request=uuid4(), aggregate="order", after=after, size=size
        )

    def test_pages_by_key(self, orders: list[UUID], wire: Wire) -> None:
        first = said(owner.page_of(request := self.request()))
        second = said(owner.page_of(self.request(after=str(first.through))))
        third = said(owner.page_of(self.request(after=str(second.through))))

        pages = [[row.key for row in page.rows] for page in (first, second, third)]
        assert pages == [list(map(str, orders[at : at + 2])) for at in (0, 2, 4)]
        assert (first.request, first.total, second.total, third.through) == (
            request.request,
            5,
            None,
            None,
        )
        assert first.rows[0].version == 1
        assert first.rows[0].data["orderId"] == str(orders[0])

    def test_its_moment_is_the_database_s_and_no_event_s(self, orders: list[UUID]) -> None:
        keys = [Proven(key=str(orders[0]))]
        rows = RowsRequest(asker="shipping", request=uuid4(), aggregate="order", keys=keys)
        earliest = first_key_at(database_now())

        for page in (owner.page_of(self.request()), owner.rows_of(rows)):
            assert is_moment(page.read)
            assert earliest <= page.read <= first_key_at(database_now())

    def test_cut_where_it_would_be_too_large(
        self, orders: list[UUID], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(owner, "LARGEST_PAGE", 1)

        page = said(owner.page_of(self.request(size=500)))

        assert [row.key for row in page.rows] == [page.through] == [str(orders[0])]

    def test_never_larger_than_the_broker_takes(
        self, orders: list[UUID], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever the writing: letters may be of four bytes."""
        monkeypatch.setattr(owner, "LARGEST_PAGE", 10_000)
        with unguarded("a name"):
            Order.objects.update(customer_name="\N{GRINNING FACE}" * 200)

        page = owner.page_of(self.request(size=500))

        assert 1 < len(said(page).rows) < 500
        assert len(page.encode()) < 10_300

    def test_reads_no_more_than_goes_into_a_page(
        self, orders: list[UUID], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each row may be as large as an event: a thousand of them would fill the memory."""
        monkeypatch.setattr(owner, "LARGEST_PAGE", 1)
        monkeypatch.setattr(owner, "STEP", 1)
        made, from_db = [], Order.from_db

        def counted(*args: Any, **options: Any) -> Order:
            made.append(from_db(*args, **options))
            return made[-1]

        monkeypatch.setattr(Order, "from_db", counted)

        page = owner.page_of(self.request(size=500))

        assert (len(said(page).rows), len(made)) == (1, 2)

    @pytest.mark.django_db(transaction=True)
    def test_other_rows_that_it_says_are_of_the_same_moment(
        self, orders: list[UUID], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As the lines of an order, where they are a table of their own."""
        read: list[str] = []
        public_state = Order.public_state

        def with_its_product(order: Order) -> OrderState:
            read.append(Product.objects.get().name)
            with other_connection() as other:
                other.execute("UPDATE replica_product SET name = name || '!'")
            return public_state(order)

        monkeypatch.setattr(Order, "public_state", with_its_product)
        content = Content(schema_version=Order.contract.schema_version, fields=[])
        about: dict[str, Any] = {"asker": "shipping", "request": uuid4(), "aggregate": "order"}
        of_content = {**about, "after": "", "content": content}
        keys = [Proven(key=str(key)) for key in orders]

        for answered in (
            lambda: owner.page_of(self.request(size=5)),
            lambda: owner.rows_of(RowsRequest(**about, keys=keys)),
            lambda: digests.keys_of(KeysRequest(**of_content, through=None)),
            lambda: digests.digests_of(DigestsRequest(**of_content, size=5)),
        ):
            read.clear()
            assert answered().refused == ""
            assert (len(read), len({*read})) == (5, 1)

    def test_knows_what_its_default_manager_hides(
        self, orders: list[UUID], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As what is retired, in projects that delete softly: it would be removed as unknown."""

        class NoneAtAll(models.Manager[Order]):
            def get_queryset(self) -> models.QuerySet[Order]:
                return super().get_queryset().none()

        hides = NoneAtAll()
        hides.model = Order
        monkeypatch.setitem(Order._meta.__dict__, "default_manager", hides)
        assert not Order._default_manager.exists()
        keys = [Proven(key=str(key)) for key in orders]

        known = RowsRequest(asker="shipping", request=uuid4(), aggregate="order", keys=keys)

        assert owner.rows_of(known).unknown == []
        assert len(said(owner.page_of(self.request(size=500))).rows) == 5

    def test_one_who_asks_for_nonsense_takes_no_other_s_answer(
        self, orders: list[UUID], wire: Wire
    ) -> None:
        good = self.request()
        odd = good.model_copy(update={"after": "\0", "request": uuid4()})

        assert hear(arriving("order.requests", odd, good)) == 1

        assert [key for key, _ in wire.said] == ["shipping.answers"]

    def test_by_key_with_what_it_does_not_know(self, orders: list[UUID]) -> None:
        gone, forgotten = str(uuid7()), str(uuid7())
        request = RowsRequest(
            asker="shipping",
            request=uuid4(),
            aggregate="order",
            keys=[
                Proven(key=str(orders[0])),
                Proven(key=gone),
                Proven(key="no uuid"),
                Proven(key=forgotten, version=3, event_id=uuid7()),
            ],
        )
        page = said(owner.rows_of(request))

        assert [row.key for row in page.rows] == [str(orders[0])]
        assert page.unknown == sorted([gone, "no uuid"])
        assert page.disputed == [forgotten]
        assert Fenced.objects.get().key == forgotten

    def test_what_it_does_not_own(self, db: None) -> None:
        request = self.request().model_copy(update={"aggregate": "teapot"})
        assert owner.page_of(request).refused == "order owns no teapot"
        assert "is no key" in owner.page_of(self.request(after="no uuid")).refused

    def test_a_row_that_cannot_be_said_is_named(self, orders: list[UUID]) -> None:
        """Without what is in it; and the others are said."""
        with unguarded("a row that the contract does not take"):
            Order.objects.filter(pk=orders[3]).update(lines=[{"productId": "Ada Lovelace"}])
        keys = [Proven(key=str(key)) for key in orders[2:4]]

        for page in (
            owner.page_of(self.request(after=str(orders[1]))),
            owner.rows_of(
                RowsRequest(asker="shipping", request=uuid4(), aggregate="order", keys=keys)
            ),
        ):
            [lacking] = said(page).lacking
            assert [row.key for row in said(page).rows] == [str(orders[2])]
            assert (lacking.key, lacking.version) == (str(orders[3]), 1)
            assert lacking.why.startswith(f"order cannot say its order {orders[3]}: ")
            assert "Ada" not in lacking.why
            assert page.unknown == []
        assert owner.page_of(self.request(after=str(orders[2]), size=1)).through == str(orders[3])
        assert owner.page_of(self.request(after=str(orders[4]))).through is None

    def test_when_many_cannot_be_said_it_is_not_the_rows(
        self, orders: list[UUID], wire: Wire, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Else who asks believes that nobody answers; and what came with it is answered."""
        wire.said.clear()
        monkeypatch.setattr(owner, "MOST_LACKING", 1)
        with unguarded("rows that the contract does not take"):
            Order.objects.exclude(pk=orders[0]).update(lines=[{"productId": "Ada Lovelace"}])
        unsayable, other = self.request(size=5), self.request()

        hear(arriving("order.requests", unsayable, other))

        refused, page = [message for _, message in wire.said]
        assert isinstance(refused, Page)
        assert isinstance(page, Page)
        assert refused.request == unsayable.request
        assert refused.refused.startswith(f"order cannot say its order {orders[2]}: ")
        assert "Ada" not in refused.refused
        assert (page.request, page.refused, len(said(page).rows)) == (other.request, "", 1)

    def test_heard_once_and_answered(self, orders: list[UUID], wire: Wire) -> None:
        wire.said.clear()
        request = self.request()

        hear(arriving("order.requests", request, request))

        [(key, page)] = wire.said
        assert key == "shipping.answers"
        assert isinstance(page, Page)
        assert page.request == request.request


def test_no_key_is_unknown_before_it_is_known_what_was_forgotten(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a service that was set back says of what its neighbours know that there is no such
    thing, and they remove it."""
    about = {"asker": "shipping", "request": uuid7(), "aggregate": "order"}
    asked = RowsRequest(**about, keys=[Proven(key=str(uuid7()))])
    answers: list[bool] = []

    for may_act in (False, True):
        monkeypatch.setattr(gate, "may_act", lambda may_act=may_act: may_act)
        hear(arriving("order.requests", asked))
        answers.append(bool(wire.said))

    assert answers == [False, True]
