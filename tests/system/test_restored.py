"""Each service in turn is set back by a backup and healed by `restored`: afterwards every invariant
holds that can be asked of a service whose books were set back, and nothing leaves twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backup import Backup
from tests.restoring import Trade, heal, wait_until_all_agrees, wait_until_noticed
from tests.standing import Standing, standing_shop
from tests.temporary import temporary_folder


@pytest.fixture(scope="module")
def set_back() -> Iterator[Standing]:
    with (
        temporary_folder("restored") as folder,
        standing_shop(folder, strict=False, watched=False) as standing,
    ):
        yield standing


@pytest.fixture(autouse=True)
def everything_holds() -> None:
    """In the place of the one that looks at the shop of the other tests: the ledgers and outboxes
    of a service that was set back are not those that others remember."""


@pytest.mark.parametrize("service", ["shipping", "order", "inventory"])
def test_set_back_and_healed(set_back: Standing, tmp_path: Path, service: str) -> None:
    stack, shop, _ = set_back
    trade = Trade(shop)
    trade.some()
    backup = Backup(stack, service, tmp_path)
    trade.go_on()
    trade.some()

    backup.restore()
    wait_until_noticed(shop, service)
    report = heal(stack, service)

    assert report["adopted"], report
    assert not report["undecidable"], report["undecidable"]
    wait_until_all_agrees(shop)
    trade.nothing_leaves_again()

    # And once more does nothing
    again = heal(stack, service)
    assert (again["adopted"], again["lifted"]) == ([], [])
    trade.some()
    wait_until_all_agrees(shop)
