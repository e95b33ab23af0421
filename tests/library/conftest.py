"""The library, tested with the order service's settings: its replicas of inventory's
products and stock serve as the example."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from polder.testing.database import empty_partitioned


@pytest.fixture(autouse=True, scope="session")
def _static_files() -> None:
    """The folder that `collectstatic` makes where the service is deployed."""
    Path(settings.STATIC_ROOT or "").mkdir(parents=True, exist_ok=True)


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    """A database without a transaction around the test: what it commits, other connections see.
    Emptied afterwards."""
    yield
    empty_partitioned()
