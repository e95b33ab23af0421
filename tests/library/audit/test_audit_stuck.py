"""An audit that does not go on is told of: the replica is not compared meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from polder.conditions import conditions
from polder.observability import measures
from polder.replication.models import ReplicaState
from polder.resync import runs
from polder.resync.asking import WEIGHED
from polder.testing.replicas import filled
from tests.library.audit.owner import Owner
from tests.library.resync.wire import PRODUCT, state


@pytest.fixture(autouse=True)
def long_under_way(owner: Owner) -> None:
    filled(PRODUCT)
    runs.audit(PRODUCT, "asked for", deep=False)
    ReplicaState.objects.update(progressed_at=timezone.now() - timedelta(minutes=2))


def told() -> tuple[str, float]:
    """By the condition and by the metric."""
    [[(_, ratio)]] = measures.measured(measures.REPLICAS)
    return conditions["replicas"].look().state, ratio


def test_one_that_goes_on_is_in_order() -> None:
    assert told() == ("ok", 1.0)

    # and one that waits for what is on its way
    ReplicaState.objects.update(request_id=None, trouble=WEIGHED)
    assert told() == ("ok", 1.0)


def test_one_whose_owner_says_nothing_is_not() -> None:
    ReplicaState.objects.update(trouble="inventory has not answered for a while")

    assert told() == ("warn", 0.0)
    assert "inventory has not answered for a while" in conditions["replicas"].look().sentence

    ReplicaState.objects.update(progressed_at=timezone.now())
    assert told() == ("ok", 1.0)


@pytest.mark.parametrize("is_audit", [True, False])
def test_nor_is_a_paused_one(is_audit: bool) -> None:
    if not is_audit:
        runs.begin(PRODUCT, "asked for")

    runs.pause(PRODUCT)

    assert told() == ("warn", 0.0)
    assert "paused" in conditions["replicas"].look().sentence
    assert state().completed_at is not None
