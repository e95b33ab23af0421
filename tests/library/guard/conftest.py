from __future__ import annotations

import pytest
from django.db import transaction
from uuid_utils.compat import uuid7

from common.contracts.orders import OrderCreated
from order_service.models import Order
from polder.outbox.publish import publish
from tests.library.guard.orders import VALUES


@pytest.fixture(autouse=True)
def _emptied(committed: None) -> None:
    pass


@pytest.fixture
def order() -> Order:
    """Announced, at version 1."""
    with transaction.atomic():
        order = Order(id=uuid7(), **VALUES)
        order.save(force_insert=True)
        publish(OrderCreated.of(order))
    return Order.objects.get()
