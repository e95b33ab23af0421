"""Who is let in at every address, with a row in every table."""

from __future__ import annotations

import pytest
from django.test import Client

from polder.testing.every_address import *  # noqa: F403


@pytest.fixture
def every_row(admin: Client) -> None:
    """Overrides that of the kit."""
