"""Fixtures of the tests beside it."""

from __future__ import annotations

import pytest

from tests.library.dispatch.worker import Worker


@pytest.fixture
def worker() -> Worker:
    return Worker()
