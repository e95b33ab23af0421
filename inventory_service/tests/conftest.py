from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from inventory_service.tests.stocking import stocked
from polder.testing.api import api_client


@pytest.fixture
def shop(db: None) -> None:
    """Ten of p1 and five of p2."""
    stocked(p1=10, p2=5)


@pytest.fixture
def api(db: None) -> APIClient:
    """A caller that may write."""
    return api_client()
