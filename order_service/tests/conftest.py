from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from polder.testing import deliver
from polder.testing.api import api_client
from tests.makers import product_event, stock_event


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
