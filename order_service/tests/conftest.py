from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client
from rest_framework.test import APIClient

from order_service.services import Line
from order_service.tests.test_placing import place
from polder.admin.models import OperatorAction
from polder.inbox import bulk
from polder.inbox.models import BulkOperation
from polder.testing import deliver
from polder.testing.admin_pages import superuser_client
from polder.testing.api import api_client
from polder.testing.effects import an_effect
from polder.testing.pasts import somebody_regressed, we_regressed
from polder.testing.replicas import filled
from tests.makers import product_event, reservation_event, shipment_event, stock_event


@pytest.fixture(autouse=True, scope="session")
def _static_files() -> None:
    """The folder that `collectstatic` makes where the service is deployed."""
    Path(settings.STATIC_ROOT or "").mkdir(parents=True, exist_ok=True)


@pytest.fixture
def catalogue(db: None) -> None:
    """Two products that can be ordered, p1 at 39.95 and p2 at 24.50."""
    deliver(
        product_event(), product_event(product_id="p2", name="Spade", price="24.50"), stock_event()
    )


@pytest.fixture
def api(db: None) -> APIClient:
    """A caller that may write."""
    return api_client()


@pytest.fixture
def admin(catalogue: None) -> Client:
    """With a row in every table."""
    order_id = place(Line("p1", 1)).order.pk
    deliver(reservation_event(order_id=order_id), shipment_event(order_id=order_id))
    deliver(product_event(name="Another name at the same version"))  # a drift
    deliver(
        b"{", b"\xff", product_event(product_id="p9").encode().replace('"1800"', "1").encode()[:-5]
    )
    Group.objects.create(name="operators")
    api_client()
    we_regressed("inventory")
    somebody_regressed("inventory.product")
    filled("inventory.product")
    bulk.begin(BulkOperation.Action.REDRIVE, {}, reason="r", operator="root", form=uuid4())
    an_effect()
    OperatorAction.objects.create(
        operator="root", action="cancel", target="order.Order", key="k", reason="a test", done=True
    )
    return superuser_client()
