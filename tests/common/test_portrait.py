"""The picture says what Django knows."""

from __future__ import annotations

from pathlib import Path

from django.apps import apps

from common import this_service
from common.outbox.aggregate import Aggregate
from common.replication.replica import replications
from deploy.portrait import portrait

ROOT = Path(__file__).resolve().parents[2]


def test_a_service_as_django_knows_it() -> None:
    drawn = portrait(ROOT / "order_service")

    assert list(drawn.subscribes_to) == this_service.subscribes_to()
    assert set(drawn.owned) == {model.__name__ for model in apps.get_models() if issubclass(model, Aggregate)}
    assert set(drawn.replicas) == {(one.model.__name__, one.publisher) for one in replications.values()}
