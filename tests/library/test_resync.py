"""A replica is filled and made good from its owner's pages, whatever becomes of the messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import connection
from uuid_utils.compat import uuid7

from common.contracts.inventory import ProductChanged, ProductEvent, ProductRetired
from common.contracts.orders import Customer
from order_service.models import Product
from order_service.services import Line, order_place
from polder.direct.hearing import hear
from polder.direct.messages import Message
from polder.outbox.models import Fenced
from polder.replication.models import Drift, ReplicaState
from polder.resync import hears, owner, receiving, runs, tending
from polder.resync.messages import Page, PageRequest, Proven, Row, RowsRequest
from polder.testing import deliver
from tests.library.test_pasts import arriving
from tests.makers import HOME, product_event

PRODUCT = "inventory.product"
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
        request = request or self.asked()
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


@pytest.fixture
def wire(db: None, monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire()
    monkeypatch.setattr(runs, "say", wire.say)
    monkeypatch.setattr(hears, "say", wire.say)
    monkeypatch.setattr(runs, "waiting_in", lambda queues: wire.waiting)
    monkeypatch.setattr(receiving.time, "sleep", lambda seconds: None)
    # a test's transaction never commits
    monkeypatch.setattr("django.db.transaction.on_commit", lambda function: function())
    return wire


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


def test_filled_page_by_page(wire: Wire) -> None:
    wire.owns(*(product_event(product_id=f"p{number}", name=f"n{number}") for number in range(5)))
    wire.owns(product_event(ProductRetired, product_id="p5", version=2))

    runs.begin(PRODUCT, "asked for")
    end = wire.run()

    assert products() == {
        **{f"p{number}": (1, f"n{number}") for number in range(5)},
        "p5": (2, wire.owned["p5"].data.name),
    }
    assert Product.objects.get(pk="p5").retired_at == wire.owned["p5"].time
    assert [one.after for _, one in wire.said if isinstance(one, PageRequest)] == ["", "p1", "p3"]
    assert (end.state, end.rows_done, end.rows_changed, end.estimate) == ("complete", 6, 6, 6)
    assert not Drift.objects.exists()


def test_what_comes_by_an_event_is_the_same_row(wire: Wire) -> None:
    """Hash included, also of a tombstone: whichever comes second changes nothing."""
    events = product_event(), product_event(ProductRetired, product_id="p2", version=3)
    deliver(*events)
    before = list(Product.objects.values_list("pk", "content_hash", "synced_at"))
    wire.owns(*events)

    runs.begin(PRODUCT, "asked for")

    assert wire.run().rows_changed == 0
    assert list(Product.objects.values_list("pk", "content_hash", "synced_at")) == before
    assert not Drift.objects.exists()


def test_an_event_that_is_newer_than_the_page_stays(wire: Wire) -> None:
    wire.owns(product_event(name="old"))
    runs.begin(PRODUCT, "asked for")
    page = wire.answer()
    deliver(product_event(ProductChanged, version=2, name="new"))

    receiving.receive(page)

    assert products() == {"p1": (2, "new")}
    assert state().state == "complete", "it was touched since, so nobody has to be asked"


@pytest.mark.parametrize("twice", [1, 3])
def test_a_page_that_comes_twice_or_late_is_dropped(wire: Wire, twice: int) -> None:
    wire.owns(*(product_event(product_id=f"p{number}") for number in range(3)))
    runs.begin(PRODUCT, "asked for")
    page = wire.answer()
    assert receiving.receive(page)

    assert not any(receiving.receive(page) for _ in range(twice))
    assert wire.run().rows_done == 3

    # nor one that comes after it was cancelled
    runs.begin(PRODUCT, "again")
    Product.objects.all().delete()
    late = wire.answer()
    runs.cancel(PRODUCT)
    assert not receiving.receive(late)
    assert products() == {}


def test_other_content_at_the_same_version_is_made_good(wire: Wire) -> None:
    """Both when the owner's row was edited, and when ours was and its hash was not."""
    ours, theirs = product_event(product_id="p1", name="a"), product_event(product_id="p2")
    deliver(ours, theirs)
    edit("p1", name="edited", price=Decimal("77.00"))
    wire.owns(ours, product_event(product_id="p2", name="edited there"))

    runs.begin(PRODUCT, "asked for")
    end = wire.run()

    assert products() == {"p1": (1, "a"), "p2": (1, "edited there")}
    assert end.rows_changed == 2
    drift = Drift.objects.order_by("key")
    assert [(one.key, one.found_by, one.repaired_at is not None) for one in drift] == [
        ("p1", "resync", True),
        ("p2", "resync", True),
    ]


def test_it_closes_what_an_event_found(wire: Wire) -> None:
    deliver(product_event(name="a"))
    deliver(conflict := product_event(name="b"))
    assert Drift.objects.get().repaired_at is None
    wire.owns(conflict)

    runs.begin(PRODUCT, "asked for")
    wire.run()

    assert products() == {"p1": (1, "b")}
    assert not Drift.objects.filter(repaired_at=None).exists()


def test_what_the_owner_does_not_know_is_asked_for_and_removed(wire: Wire) -> None:
    known = product_event(product_id="p2")
    deliver(product_event(product_id="p1"), known, product_event(product_id="p3"))
    wire.owns(known)

    runs.begin(PRODUCT, "asked for")
    receiving.receive(wire.answer())

    asked = wire.asked()
    assert isinstance(asked, RowsRequest)
    assert [one.key for one in asked.keys] == ["p1", "p3"]
    assert set(products()) == {"p1", "p2", "p3"}
    end = wire.run()
    assert set(products()) == {"p2"}
    assert (end.rows_removed, Drift.objects.filter(event_hash="").count()) == (2, 2)


def test_what_came_while_the_owner_was_asked_is_not_removed(wire: Wire) -> None:
    runs.begin(PRODUCT, "asked for")
    page = wire.answer()
    deliver(product_event(product_id="p1"))
    receiving.receive(page)

    assert (state().state, set(products())) == ("complete", {"p1"})

    # nor between the two questions
    deliver(product_event(product_id="p0"))
    runs.begin(PRODUCT, "asked for")
    receiving.receive(wire.answer())
    page = wire.answer()
    deliver(product_event(ProductChanged, product_id="p0", version=2))
    receiving.receive(page)
    assert set(products()) == {"p0"}


def test_above_the_owners_version_it_is_asked_for_before_anything_is_touched(wire: Wire) -> None:
    event = product_event(name="theirs")
    deliver(event)
    edit("p1", version=7, name="ours")
    wire.owns(event)

    runs.begin(PRODUCT, "asked for")
    receiving.receive(wire.answer())

    asked = wire.asked()
    assert isinstance(asked, RowsRequest)
    # its ledger knows of no version 7, so it proves nothing
    assert asked.keys == [Proven(key="p1")]
    assert products() == {"p1": (7, "ours")}
    wire.run()
    assert products() == {"p1": (1, "theirs")}
    assert Drift.objects.get().version == 7


def test_what_the_owner_has_forgotten_is_left(wire: Wire) -> None:
    newest = product_event(ProductChanged, version=7, name="ours")
    deliver(newest)
    wire.owns(product_event(version=3))
    wire.fenced = {"p1"}

    runs.begin(PRODUCT, "asked for")
    receiving.receive(wire.answer())

    asked = wire.asked()
    assert isinstance(asked, RowsRequest)
    assert asked.keys == [Proven(key="p1", version=7, event_id=newest.id)]
    assert wire.run().rows_disputed == 1
    assert products() == {"p1": (7, "ours")}


def test_more_of_ours_in_a_range_than_can_be_asked_for_at_once(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "MOST", 2)
    monkeypatch.setattr(runs, "MOST", 2)
    deliver(*(product_event(product_id=f"p{number}") for number in range(5)))

    runs.begin(PRODUCT, "asked for")

    assert wire.run().rows_removed == 5
    assert products() == {}


def test_only_some_keys(wire: Wire) -> None:
    deliver(*(product_event(product_id=f"p{number}") for number in range(3)))
    wire.owns(*(product_event(product_id=f"p{number}", name="x") for number in range(2)))

    runs.begin(PRODUCT, "asked for", keys=["p1", "p2", "p9"])
    end = wire.run()

    assert set(products()) == {"p0", "p1"}
    assert products()["p1"] == (1, "x")
    assert (end.rows_changed, end.rows_removed) == (1, 1)


def test_one_at_a_time_and_only_what_there_is(wire: Wire) -> None:
    runs.begin(PRODUCT, "asked for")
    with pytest.raises(runs.NotPossible, match="under way already"):
        runs.begin(PRODUCT, "once more")
    with pytest.raises(runs.NotPossible, match="order keeps no replica"):
        runs.begin("inventory.teapot", "asked for")
    with pytest.raises(runs.NotPossible):
        runs.resume(PRODUCT)
    with pytest.raises(runs.NotPossible):
        runs.pause("inventory.stock")


def test_paused_it_goes_on_where_it_was(wire: Wire) -> None:
    wire.owns(*(product_event(product_id=f"p{number}") for number in range(5)))
    runs.begin(PRODUCT, "asked for")
    receiving.receive(wire.answer())
    late = wire.answer()

    runs.pause(PRODUCT)
    assert not receiving.receive(late)
    assert state().told == "paused, 40 %"
    tending.ask_again()
    runs.resume(PRODUCT, rate=7)

    asked = wire.asked()
    assert isinstance(asked, PageRequest)
    assert (asked.after, asked.size) == ("p1", 7)
    assert wire.run().rows_done == 5


def test_asked_again_when_nobody_answers(wire: Wire) -> None:
    runs.begin(PRODUCT, "asked for")
    first = wire.asked()
    assert tending.ask_again() == 0

    ReplicaState.objects.update(said_at="2020-01-01T00:00Z")
    tending.ask_again()

    assert wire.asked() == first
    assert len(wire.said) == 2
    assert "inventory has not answered" in state().trouble
    assert wire.run().trouble == ""


def test_events_that_wait_go_first(wire: Wire) -> None:
    wire.waiting = runs.LIVE_FIRST + 1
    runs.begin(PRODUCT, "asked for")
    assert (wire.said, state().trouble) == ([], runs.YIELDING)

    wire.waiting = 0
    assert tending.ask_again() == 1
    assert (len(wire.said), state().trouble) == (1, "")


def test_a_replica_that_is_new_or_declares_more_is_filled(wire: Wire) -> None:
    wire.owns(product_event())
    assert PRODUCT in tending.fill_new()
    wire.said = [one for one in wire.said if getattr(one[1], "aggregate", "") == "product"]
    wire.run()
    assert (tending.fill_new(), state().reason) == ([], "it is new")

    # Given a column that was not there, and is empty
    declared = state().declared
    ReplicaState.objects.update(
        declared={name: path for name, path in declared.items() if name != "name"}
    )
    edit("p1", name="")

    assert PRODUCT in tending.fill_new()
    wire.said = [one for one in wire.said if getattr(one[1], "aggregate", "") == "product"]
    assert state().reason == "it declares name"
    wire.run()

    assert products() == {"p1": (1, wire.owned["p1"].data.name)}
    assert not Drift.objects.exists(), "nobody is to blame"
    assert state().declared == declared


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"refused": "it owns no product"}, "it owns no product"),
        ({"schema_version": 2}, "this service has to be updated"),
        (
            {"rows": [Row(key="p1", version=1, time=product_event().time, data={"name": 1})]},
            "cannot be read",
        ),
    ],
)
def test_an_answer_of_no_use_is_told_and_asked_for_again(
    wire: Wire, change: dict[str, object], told: str
) -> None:
    runs.begin(PRODUCT, "asked for")

    receiving.receive(wire.answer().model_copy(update=change))

    assert (state().state, told in state().trouble) == ("filling", True)
    wire.owns(product_event())
    wire.run()
    assert set(products()) == {"p1"}


def test_reconciled_and_what_fails_stops_nothing(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[set[str]] = []

    def reconcile(changed: dict[object, set[str]]) -> None:
        [keys] = changed.values()
        if "p1" in keys:
            raise ValueError("a bug")
        seen.append(keys)

    monkeypatch.setattr(receiving, "reconcile_changed", reconcile)
    wire.owns(*(product_event(product_id=f"p{number}") for number in range(3)))
    runs.begin(PRODUCT, "asked for")
    wire.run()

    assert set(products()) == {"p0", "p1", "p2"}
    assert seen == [{"p0"}, {"p2"}]


def test_only_what_the_owner_changed_since(wire: Wire) -> None:
    """It brings some of the rows in its range, so nothing beside them is asked for."""
    old, new = product_event(product_id="p1", name="a"), product_event(product_id="p2", name="a")
    deliver(old, new)
    edit("p1", name="edited")
    edit("p2", name="edited")
    since = new.time + timedelta(hours=1)
    wire.owns(old, new.model_copy(update={"time": since}))

    runs.begin(PRODUCT, "asked for", since=since)
    end = wire.run()

    assert products() == {"p1": (1, "edited"), "p2": (1, "a")}
    assert (end.rows_changed, end.rows_removed) == (1, 0)


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
        first = owner.page_of(request := self.request())
        second = owner.page_of(self.request(after=str(first.through)))
        third = owner.page_of(self.request(after=str(second.through)))

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

    def test_cut_where_it_would_be_too_large(
        self, orders: list[UUID], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(owner, "LARGEST_PAGE", 1)

        page = owner.page_of(self.request(size=500))

        assert [row.key for row in page.rows] == [page.through] == [str(orders[0])]

    def test_by_key_with_what_it_does_not_know(self, orders: list[UUID]) -> None:
        gone, forgotten = str(uuid7()), str(uuid7())
        page = owner.rows_of(
            RowsRequest(
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
        )

        assert [row.key for row in page.rows] == [str(orders[0])]
        assert page.unknown == sorted([gone, "no uuid"])
        assert page.disputed == [forgotten]
        assert Fenced.objects.get().key == forgotten

    def test_what_it_does_not_own(self, db: None) -> None:
        request = self.request().model_copy(update={"aggregate": "teapot"})
        assert owner.page_of(request).refused == "order owns no teapot"
        assert "is no key" in owner.page_of(self.request(after="no uuid")).refused

    def test_heard_once_and_answered(self, orders: list[UUID], wire: Wire) -> None:
        wire.said.clear()
        request = self.request()

        hear(arriving("order.requests", request, request))

        [(key, page)] = wire.said
        assert key == "shipping.answers"
        assert isinstance(page, Page)
        assert page.request == request.request
