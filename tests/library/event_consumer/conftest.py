"""Fixtures of the tests beside it."""

from __future__ import annotations

import pytest

from tests.library.event_consumer.worker import Worker


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    return Worker(monkeypatch)
