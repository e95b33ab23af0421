"""One shop for what is set back, edited by hand and healed. Nobody watches it: rows are taken away
that nobody may take away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.blackbox.shop import Shop
from tests.disturbed import DisturbedStack
from tests.standing import Standing, standing_shop
from tests.temporary import temporary_folder

# the first looks at a shop that has just started; the last two leave what is never healed
TURNS = (
    "test_filled.py",
    "test_freshness.py",
    "test_restored.py",
    "test_resync.py",
    "test_alarms.py",
    "test_past_came_back.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: TURNS.index(item.path.name) if item.path.name in TURNS else -1)


@pytest.fixture(scope="session")
def standing() -> Iterator[Standing]:
    with (
        temporary_folder("healing") as folder,
        standing_shop(folder, strict=False, watched=False) as standing,
    ):
        yield standing


@pytest.fixture(scope="session")
def stack(standing: Standing) -> DisturbedStack:
    return standing.stack


@pytest.fixture(scope="session")
def shop(standing: Standing) -> Shop:
    return standing.shop
