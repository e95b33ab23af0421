"""The rooms of `common`, tested with the order service's settings: its replicas of inventory's products and stock serve as the example."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from common.testing.database import empty_tables


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A database without a transaction around the test: what it commits, other connections see. Emptied afterwards."""
    with django_db_blocker.unblock():
        yield
        empty_tables()
