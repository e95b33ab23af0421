"""An owner whose keys are numbers, as those that Django gives by itself: its rows come in the order
of the text that others know them by."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, models
from django.test.utils import isolate_apps
from django.utils import timezone

from common.contracts.inventory import ProductEvent, ProductState
from common.contracts.money import Money
from polder.domain.aggregate import Aggregate
from polder.replication import digest
from polder.replication.repair import keys_beside
from polder.replication.replica import Replica, replications
from polder.resync import digests, owner, receiving, runs
from polder.resync.messages import DigestsRequest, KeysRequest, PageRequest, RowsRequest
from tests.library.resync.wire import PRODUCT, Wire, products, state

NUMBER = 199


@pytest.fixture
def numbered(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> type[Aggregate]:
    with isolate_apps("order_service"):

        class Numbered(Aggregate):
            contract = ProductEvent
            id = models.BigAutoField(primary_key=True)

            class Meta:
                app_label = "order_service"
                db_table = "numbered"

            def public_state(self) -> ProductState:
                price = Money(amount="1.00", currency="EUR")  # type: ignore[arg-type]
                return ProductState(product_id=str(self.pk), name="Boots", price=price)

    with connection.schema_editor() as editor:
        editor.create_model(Numbered)
    Numbered._default_manager.bulk_create(Numbered() for _ in range(NUMBER))
    for module in (owner, digests):
        monkeypatch.setattr(module, "aggregates", lambda: {"product": Numbered})
    return Numbered


def filled(wire: Wire) -> None:
    runs.begin(PRODUCT, "asked for", rate=80)
    for _ in range(100):
        if state().state == "complete":
            return
        asked = wire.asked()
        answer = owner.rows_of(asked) if isinstance(asked, RowsRequest) else owner.page_of(asked)
        receiving.receive(receiving.Page.model_validate_json(answer.encode()))
    raise AssertionError("it never ends")


def test_a_resync_comes_to_its_end(
    wire: Wire, numbered: type[Aggregate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "MOST", 10)

    filled(wire)
    filled(wire)

    assert sorted(products()) == sorted(str(one + 1) for one in range(NUMBER))
    assert not any(isinstance(one, RowsRequest) for _, one in wire.said), "each came by its page"
    assert state().rows_done == NUMBER
    pages = [one.after for _, one in wire.said if isinstance(one, PageRequest)]
    assert pages == 2 * sorted(set(pages))


def test_an_audit_compares_digests(
    wire: Wire, numbered: type[Aggregate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "BUCKET", 7)
    filled(wire)
    about: dict[str, Any] = {"asker": "shipping", "request": uuid4(), "aggregate": "product"}

    found = digests.digests_of(DigestsRequest(**about, after="10", size=500))
    listing = digests.keys_of(KeysRequest(**about, after="150", through="155"))

    ours = digest.digests(
        replications[PRODUCT],
        after="10",
        throughs=[one.through for one in found.buckets if one.through is not None],
        is_end=True,
        with_content=False,
    )
    assert [(one.rows, one.digest) for one in found.buckets] == ours
    assert [one.key for one in listing.rows] == ["151", "152", "153", "154", "155"]


@pytest.mark.parametrize(
    ("key", "keys"),
    [
        (models.BigIntegerField(primary_key=True), ["1", "10", "100", "2", "20", "9"]),
        (
            models.CharField(max_length=64, primary_key=True, db_collation="en-x-icu"),
            ["A", "B", "Z", "a", "b", "é"],
        ),
    ],
    ids=["numbers", "text in the order of a language"],
)
def test_ranges_of_a_replica_are_those_of_its_owner(
    wire: Wire, key: models.Field[Any, Any], keys: list[str]
) -> None:
    """Whatever order its own keys have: what lies in a page's range is what the page would have
    brought."""
    with isolate_apps("order_service"):

        class Ordered(Replica, of="inventory.ordered"):
            locals()["key"] = key.clone()

            class Meta:
                app_label = "order_service"
                db_table = "ordered"

    ordered = replications.pop("inventory.ordered")
    with connection.schema_editor() as editor:
        editor.create_model(Ordered)
    about = {"version": 1, "content_hash": "", "synced_at": timezone.now()}
    Ordered._default_manager.bulk_create(Ordered(key=one, **about) for one in keys)
    between: dict[str, Any] = {"after": keys[1], "through": keys[4], "most": 9}
    between["asked_at"] = timezone.now()

    assert keys_beside(ordered, [keys[3]], **between) == [keys[2], keys[4]]
    assert list(digest.held(ordered, with_content=False, **between)) == keys[2:5]
