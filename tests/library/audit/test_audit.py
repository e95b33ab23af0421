"""An audit finds what differs, records it, makes it good."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from common.contracts.inventory import ProductChanged, ProductRetired
from order_service.models import Product
from polder.replication import replica
from polder.replication.models import Drift, DriftKind, ReplicaState
from polder.replication.replica import replications
from polder.resync import asking, runs, tending, weighing
from polder.resync.messages import DigestsRequest, KeysRequest, RowsRequest
from polder.testing import deliver
from tests.library.audit.owner import Owner, as_owned, delete, drift, plant
from tests.library.resync.wire import PRODUCT, edit, products, state
from tests.makers import product_event


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


def test_a_clock_that_was_set_back_hides_nothing(owner: Owner) -> None:
    plant(owner)
    Product.objects.update(synced_at=timezone.now() + timedelta(days=1))

    runs.audit(PRODUCT, "asked for", deep=False)

    assert owner.run_all().rows_drifted == 4
    assert as_owned(owner)


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


def test_a_replica_that_lost_nearly_all_is_compared_row_by_row(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "MOST_DOUBTFUL", 4)
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


@pytest.fixture
def by_rows(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> Owner:
    """A replica that has no digests, as one that keeps only some rows."""
    monkeypatch.setattr(Product, "where", {"retired": False})
    monkeypatch.setitem(replications, PRODUCT, replica._replication(Product))
    return owner


@pytest.mark.parametrize("dry", [False, True])
def test_what_is_compared_row_by_row_has_the_same_records(by_rows: Owner, dry: bool) -> None:
    plant(by_rows)
    an_hour_ago = timezone.now() - timedelta(hours=1)
    for key, event in by_rows.owned.items():
        by_rows.owned[key] = event.model_copy(update={"time": an_hour_ago})

    runs.audit(PRODUCT, "asked for", deep=False, dry=dry)
    by_rows.run_all()

    assert drift() == {
        "p1": DriftKind.MISSING,
        "p4": DriftKind.BEHIND,
        "p5": DriftKind.ABOVE,
        "p5x": DriftKind.EXTRA,
    }
    assert as_owned(by_rows) is not dry


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

    # and soon after it was filled: an old worker may have merged behind the fill
    owner.go_on()
    ago(completed_at=timedelta(minutes=9), deeply_audited_at=timedelta(minutes=10))
    assert tending.audit_due() == []
    ago(completed_at=timedelta(minutes=11), deeply_audited_at=timedelta(minutes=12))
    assert (tending.audit_due(), state().compared_by) == ([PRODUCT], "deep")

    with pytest.raises(runs.NotPossible, match="auditing"):
        runs.audit(PRODUCT, "asked for", deep=False)
    runs.begin(PRODUCT, "asked for")
    assert (state().state, state().is_audit) == ("filling", False)


@pytest.mark.parametrize("deep", [False, True])
def test_a_tombstone_that_was_let_go_is_no_difference(owner: Owner, deep: bool) -> None:
    # Given one that came long ago, and one of which that is not so
    old, young = timezone.now() - timedelta(days=500), timezone.now() - timedelta(days=300)
    for key, at in (("p3", old), ("p6", young)):
        retired = product_event(ProductRetired, product_id=key, version=2)
        owner.owns(retired.model_copy(update={"time": at}))
    Product.objects.filter(pk="p3").delete()
    Product.objects.filter(pk="p6").delete()

    # When
    runs.audit(PRODUCT, "asked for", deep=deep)
    owner.run_all()

    # Then
    assert drift() == {"p6": DriftKind.MISSING}
    assert not Product.objects.filter(pk="p3").exists()
    assert Product.objects.get(pk="p6").retired_at == young


@pytest.mark.parametrize("deep", [False, True])
def test_however_many_were_let_go_none_is_asked_for(
    owner: Owner, deep: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (asking, weighing):
        monkeypatch.setattr(module, "MOST_DOUBTFUL", 2)
    long_ago = timezone.now() - timedelta(days=500)
    for key in ("p1", "p3", "p5", "p6", "p7"):
        retired = product_event(ProductRetired, product_id=key, version=2)
        owner.owns(retired.model_copy(update={"time": long_ago}))
        delete(key)
    edit("p4", version=1)

    runs.audit(PRODUCT, "asked for", deep=deep)
    end = owner.run_all()

    assert (end.compared_by, drift()) == ("deep" if deep else "quick", {"p4": DriftKind.BEHIND})
    asked = [one.keys for _, one in owner.said if isinstance(one, RowsRequest)]
    assert [[key.key for key in keys] for keys in asked] == [["p4"]]


def test_nor_does_a_resync_bring_it(owner: Owner) -> None:
    retired = product_event(ProductRetired, product_id="p3", version=2)
    owner.owns(retired.model_copy(update={"time": timezone.now() - timedelta(days=500)}))

    runs.begin(PRODUCT, "asked for")
    owner.run()
    assert Product.objects.get(pk="p3").retired_at, "here it was, and it says that it is retired"

    Product.objects.filter(pk="p3").delete()
    runs.begin(PRODUCT, "asked for")
    owner.run()
    assert not Product.objects.filter(pk="p3").exists()


def test_of_a_row_one_record_is_open(owner: Owner) -> None:
    """However it is edited between two that change nothing."""
    for version in (8, 9):
        edit("p5", version=version)
        runs.audit(PRODUCT, "asked for", deep=False, dry=True)
        owner.run_all()

    assert Drift.objects.filter(repaired_at=None).values_list("version", flat=True).get() == 9


def test_a_row_that_its_owner_cannot_say_keeps_no_audit_from_its_end(owner: Owner) -> None:
    """A quick one, which asks for the row by its key: no page brings it."""
    owner.owns(product_event(ProductChanged, product_id="p3", version=3))
    owner.lacking = {"p3"}

    runs.audit(PRODUCT, "asked for", deep=False)
    end = owner.run_all()

    assert (end.state, end.rows_drifted, drift()) == ("complete", 1, {"p3": DriftKind.BEHIND})
