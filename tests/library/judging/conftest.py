"""Fixtures of the tests beside it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from order_service.models import Order, Product
from polder.reconcile import reconciler
from polder.reconcile.reconciler import Reconciler
from tests.library.judging.failing import Reconcile


@pytest.fixture
def reconcile_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Reconcile], None]:
    """Puts a reconciler of the test's in the place of the service's; it is woken by products."""

    def put(function: Reconcile) -> None:
        monkeypatch.setattr(
            reconciler,
            "reconcilers",
            [Reconciler(function, Order, (Product,), Product.objects.none)],
        )

    return put
