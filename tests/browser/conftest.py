"""A whole shop, and somebody who looks at it through a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.blackbox.shop import Shop
from tests.browser.person import Person, browser
from tests.disturbed import DisturbedStack
from tests.standing import Standing, standing_shop
from tests.temporary import temporary_folder


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    with browser() as chromium:
        yield chromium


@pytest.fixture(scope="session")
def standing(chromium: Any) -> Iterator[Standing]:
    with (
        temporary_folder("browser") as folder,
        standing_shop(folder, watched=False, strict=False) as standing,
    ):
        yield standing


@pytest.fixture
def stack(standing: Standing) -> DisturbedStack:
    return standing.stack


@pytest.fixture
def shop(standing: Standing) -> Shop:
    return standing.shop


@pytest.fixture
def person(chromium: Any, shop: Shop) -> Iterator[Callable[..., Person]]:
    """Signs somebody in at a service. Afterwards nobody's browser has complained of anything."""
    people: list[Person] = []

    def signed_in(service: str, **looks: Any) -> Person:
        people.append(Person(chromium, shop, **looks))
        people[-1].sign_in(service)
        return people[-1]

    yield signed_in
    for one in people:
        one.page.context.close()
        assert one.complaints == []
