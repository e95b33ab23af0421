"""The library, tested with the order service's settings: its replicas of inventory's
products and stock serve as the example."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings

from polder.pytest_plugin import committed, wire

__all__ = ["committed", "wire"]


@pytest.fixture(autouse=True, scope="session")
def _static_files() -> None:
    """The folder that `collectstatic` makes where the service is deployed."""
    Path(settings.STATIC_ROOT or "").mkdir(parents=True, exist_ok=True)
