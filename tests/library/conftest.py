"""The library, tested with the order service's settings: its replicas of inventory's
products and stock serve as the example."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from order_service.models import Order, Product
from polder.pytest_plugin import committed, wire
from polder.reconcile import reconciler
from polder.reconcile.reconciler import Reconcile, Reconciler

__all__ = ["committed", "wire"]


@pytest.fixture
def reconcile_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Reconcile], None]:
    """Puts a reconciler of the test's in the place of the service's; it is woken by products."""

    def put(function: Reconcile) -> None:
        ours = Reconciler(function, Order, (Product,), lambda: [Product.objects.none()])
        monkeypatch.setattr(reconciler, "reconcilers", [ours])

    return put
