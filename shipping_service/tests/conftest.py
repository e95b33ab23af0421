from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from polder.testing import deliver
from polder.testing.api import api_client
from tests.makers import product_event


@pytest.fixture
def catalogue(db: None) -> None:
    """p1 of 1,800 grams and p2 of 2,100 are known."""
    deliver(product_event(), product_event(product_id="p2", weight_grams=2100))


@pytest.fixture
def committed(transactional_db: None) -> None:
    """For tests of several transactions at once."""


@pytest.fixture
def api(db: None) -> APIClient:
    """A caller that may write."""
    return api_client()
