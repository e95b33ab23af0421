"""An audit finds what differs, and nothing that live events explain; records it, makes it good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from uuid_utils.compat import uuid7

from common.contracts.inventory import ProductChanged, ProductEvent
from order_service.models import Order, Product
from order_service.services import Line, order_cancel, order_place
from polder.direct.hearing import hear
from polder.inbox.models import Halt, WaitingEvent
from polder.outbox.guard.door import unguarded
from polder.outbox.models import OutboxEvent
from polder.replication.content import hash_of, kind_named
from polder.replication.digest import bits
from polder.replication.models import Drift, DriftKind, ReplicaState
from polder.replication.replica import plain
from polder.resync import digests, hears, receiving, runs, tending, weighing
from polder.resync.messages import (
    Bucket,
    Content,
    DeclaredField,
    Digests,
    DigestsRequest,
    KeysRequest,
    Listed,
    Listing,
)
from polder.testing import deliver
from tests.library.test_pasts import arriving
from tests.library.test_resync import ADA, PRODUCT, Wire, edit, products, state
from tests.makers import HOME, product_event

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
        )

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
        settle()
        return self.go_on()


def settle() -> None:
    """The queue is empty, and a while passes."""
    weighing.weigh(PRODUCT)
    ReplicaState.objects.filter(emptied_at__isnull=False).update(
        emptied_at=timezone.now() - timedelta(minutes=1)
    )
    weighing.weigh(PRODUCT)


@pytest.fixture
def owner(db: None, monkeypatch: pytest.MonkeyPatch) -> Owner:
    """Ten products, here and there the same."""
    owner = Owner()
    monkeypatch.setattr(runs, "say", owner.say)
    monkeypatch.setattr(hears, "say", owner.say)
    for module in (runs, weighing):
        monkeypatch.setattr(module, "waiting_in", lambda queues: owner.waiting)
    monkeypatch.setattr(receiving.time, "sleep", lambda seconds: None)
    monkeypatch.setattr("django.db.transaction.on_commit", lambda function: function())
    events = [product_event(product_id=f"p{number}", version=2) for number in range(10)]
    owner.owns(*events)
    deliver(*events)
    return owner


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


@pytest.mark.parametrize("deep", [False, True])
def test_what_is_equal_is_compared_by_digests_alone(owner: Owner, deep: bool) -> None:
    runs.audit(PRODUCT, "asked for", deep=deep)
    end = owner.go_on()

    assert [type(message) for _, message in owner.said] == [DigestsRequest]
    assert (end.state, end.rows_done, end.rows_drifted) == ("complete", 10, 0)
    assert (end.audited_at == end.started_at, bool(end.deeply_audited_at)) == (True, deep)
    assert not Drift.objects.exists()


@pytest.mark.parametrize("deep", [False, True])
def test_missing_extra_behind_and_above_are_found(owner: Owner, deep: bool) -> None:
    plant(owner)

    runs.audit(PRODUCT, "asked for", deep=deep)
    end = owner.run_all()

    assert drift() == {
        "p1": DriftKind.MISSING,
        "p4": DriftKind.BEHIND,
        "p5": DriftKind.ABOVE,
        "p5x": DriftKind.EXTRA,
    }
    assert as_owned(owner)
    assert not Drift.objects.filter(repaired_at=None).exists()
    assert (end.rows_drifted, end.drift_found) == (4, 4)
    asked = [message for _, message in owner.said if isinstance(message, KeysRequest)]
    assert len(asked) == 3, "only the buckets that differ"


def test_what_was_edited_is_found_by_a_deep_one_alone(owner: Owner) -> None:
    edit("p2", name="edited", price=Decimal("0.10"))
    owner.owns(product_event(product_id="p7", version=2, name="edited there"))

    runs.audit(PRODUCT, "asked for", deep=False)
    owner.run_all()
    assert drift() == {}

    runs.audit(PRODUCT, "asked for", deep=True)
    owner.run_all()
    assert drift() == {"p2": DriftKind.EDITED_HERE, "p7": DriftKind.EDITED_THERE}
    assert as_owned(owner)
    record = Drift.objects.get(key="p2")
    assert record.before
    assert record.after
    assert (record.before["name"], record.before["price"]) == ("edited", 0.1)
    assert record.after["name"] == owner.owned["p2"].data.name
    assert record.found_by == "deep audit"


def test_a_dry_run_changes_nothing_and_what_it_found_closes(owner: Owner) -> None:
    plant(owner)
    edit("p2", name="edited")
    before = products()

    for _ in range(2):
        runs.audit(PRODUCT, "asked for", deep=True, dry=True)
        owner.run_all()

    assert products() == before
    assert Drift.objects.filter(repaired_at=None).count() == Drift.objects.count() == 5
    assert not deliver(product_event(ProductChanged, product_id="p1", version=3)).ended
    assert Drift.objects.filter(repaired_at=None).count() == 4, "its newer version came"

    # somebody undoes one by hand
    edit("p2", name=owner.owned["p2"].data.name)
    owner.owns(product_event(ProductChanged, product_id="p1", version=3))
    runs.audit(PRODUCT, "asked for", deep=True)
    owner.run_all()

    assert not Drift.objects.filter(repaired_at=None).exists()


def behind(owner: Owner) -> ProductEvent:
    """The owner has changed one, and its event is on its way."""
    event = product_event(ProductChanged, product_id="p3", version=3, name="new")
    owner.owns(event)
    return event


def test_an_event_on_its_way_is_no_drift(owner: Owner) -> None:
    """Also when it is long on its way: our queue is not empty."""
    event = behind(owner)
    owner.waiting = 1
    runs.audit(PRODUCT, "asked for", deep=True)
    owner.go_on()
    settle()
    assert (state().state, state().doubtful) == ("auditing", {"p3": 3})

    deliver(event)
    owner.waiting = 0
    settle()

    assert (owner.go_on().state, state().rows_drifted, drift()) == ("complete", 0, {})


def test_nor_what_the_owner_has_not_published(owner: Owner) -> None:
    behind(owner)
    owner.unsaid = {"p3"}

    runs.audit(PRODUCT, "asked for", deep=True)

    assert (owner.go_on().state, drift()) == ("complete", {})


@pytest.mark.parametrize("why", ["halted", "locked"])
def test_nor_what_waits_here(owner: Owner, why: str) -> None:
    behind(owner)
    now = timezone.now()
    if why == "halted":
        Halt.objects.create(signature="x", reason="x", since=now, last_at=now)
    else:
        about = {"since": now, "last_at": now, "publisher": "inventory", "subject": "p3"}
        WaitingEvent.objects.create(**about, queue="q", body_hash="x", fault="lock", signature="")

    runs.audit(PRODUCT, "asked for", deep=True)
    owner.run_all()

    assert drift() == {}
    if why == "halted":
        assert state().state == "auditing"
        ReplicaState.objects.update(progressed_at=now - timedelta(hours=1))
        weighing.weigh(PRODUCT)
    assert (state().state, state().rows_undecided) == ("complete", 1)


def test_later_events_that_were_handled_prove_that_it_was_lost(owner: Owner) -> None:
    """Also when the queue is never empty."""
    behind(owner)
    owner.waiting = 1
    runs.audit(PRODUCT, "asked for", deep=False)
    owner.go_on()

    deliver(product_event(ProductChanged, product_id="p8", version=3))
    weighing.weigh(PRODUCT)
    assert state().request_id is None, "it was handled just now"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE polder_ledger SET applied_at = applied_at - interval '1 minute'")
    weighing.weigh(PRODUCT)
    owner.go_on()

    assert drift() == {"p3": DriftKind.BEHIND}


def test_what_is_touched_while_the_owner_is_asked_is_left(owner: Owner) -> None:
    runs.audit(PRODUCT, "asked for", deep=True)
    edit("p6", name="edited")
    digests = owner.answer_any()
    deliver(newer := product_event(ProductChanged, product_id="p6", version=3))
    receiving.receive(digests)
    listing = owner.answer_any()
    owner.owns(newer)
    receiving.receive(listing)

    assert (owner.go_on().state, drift()) == ("complete", {})
    assert products()["p6"][0] == 3


def test_a_replica_that_lost_nearly_all_is_compared_row_by_row(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "MOST_DOUBTFUL", 4)
    monkeypatch.setattr(weighing, "MOST_DOUBTFUL", 4)
    for key in sorted(owner.owned)[2:]:
        delete(key)
        event = owner.owned[key]
        owner.owned[key] = event.model_copy(update={"time": event.time - timedelta(hours=1)})

    runs.audit(PRODUCT, "asked for", deep=False)
    end = owner.run_all()

    assert as_owned(owner)
    assert (end.compared_by, set(drift().values()), len(drift())) == (
        "rows",
        {DriftKind.MISSING},
        8,
    )


def test_an_owner_that_cannot_say_is_compared_row_by_row(owner: Owner) -> None:
    owner.refused = "another version"
    edit("p2", name="edited")

    runs.audit(PRODUCT, "asked for", deep=True)
    owner.run_all()

    assert drift() == {"p2": DriftKind.EDITED_HERE}
    assert as_owned(owner)


def test_due_by_the_clock_and_a_resync_goes_first(owner: Owner) -> None:
    runs.audit(PRODUCT, "asked for", deep=True)
    owner.go_on()
    assert tending.audit_due() == []

    def ago(**fields: timedelta) -> None:
        now = timezone.now()
        ReplicaState.objects.update(**{name: now - span for name, span in fields.items()})

    ago(audited_at=timedelta(hours=2))
    assert tending.audit_due() == [PRODUCT]
    assert (tending.audit_due(), state().compared_by) == ([], "quick")
    owner.go_on()
    ago(deeply_audited_at=timedelta(days=2))
    assert (tending.audit_due(), state().compared_by) == ([PRODUCT], "deep")

    with pytest.raises(runs.NotPossible, match="auditing"):
        runs.audit(PRODUCT, "asked for", deep=False)
    runs.begin(PRODUCT, "asked for")
    assert (state().state, state().is_audit) == ("filling", False)


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

    def test_keys_with_what_is_not_published(self, orders: list[Order]) -> None:
        OutboxEvent.objects.exclude(subject=str(orders[1].pk)).update(published_at=timezone.now())
        keys = [str(order.pk) for order in orders]

        found = digests.keys_of(KeysRequest(**self.about(keys[0]), through=keys[2]))

        assert [(one.key, one.version) for one in found.rows] == [
            (str(order.pk), order.version) for order in orders[1:3]
        ]
        assert (found.unsaid, found.through) == ([keys[1]], None)

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
