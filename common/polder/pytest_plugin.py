"""The pytest plugin of the package: fixtures for the tests of any service. It imports nothing of
Django before a test asks for it, as it is loaded wherever the package is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import pytest

if TYPE_CHECKING:
    from polder.testing.wire import Wire


@pytest.fixture
def wire(db: None, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Wire:
    """An in-process transport (see polder.testing.wire); meanwhile `publish()` refuses to work
    outside of a transaction that the code itself has opened."""
    from polder.domain.use_case import in_own_transaction
    from polder.outbox import publish
    from polder.testing.wire import Wire

    monkeypatch.setattr(publish, "in_transaction", in_own_transaction)
    return Wire(seed=crc32(request.node.nodeid.encode()))


@pytest.fixture
def committed(transactional_db: None) -> None:
    """A database without a transaction around the test: what it commits, other connections see.
    Emptied afterwards."""
