"""The rooms of `common`, tested with the order service's settings: its replicas of inventory's products and stock serve as the example."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from common.testing.database import empty_partitioned


@pytest.fixture
def committed(transactional_db: None) -> Iterator[None]:
    """A database without a transaction around the test: what it commits, other connections see. Emptied afterwards."""
    yield
    empty_partitioned()
