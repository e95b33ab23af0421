"""Each service in turn is set back by a backup and healed by `restored`: afterwards every invariant
holds that can be asked of a service whose books were set back, and nothing leaves twice."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from pathlib import Path

import pytest

from polder.process.failpoints import VARIABLE, Failpoint
from tests.backup import PROCESSES, Backup
from tests.blackbox.shop import OWNERS, until
from tests.disturbed import DisturbedStack
from tests.healing.archive import Archive
from tests.invariants import check_client
from tests.load import Load
from tests.restoring import SLOW, Trade, heal, wait_until_all_agrees, wait_until_noticed
from tests.standing import Standing

RESTORED = [point for point in Failpoint if point.startswith("restored.")]


@pytest.mark.parametrize(
    "service",
    [
        pytest.param("shipping", marks=pytest.mark.long),
        pytest.param("order", marks=pytest.mark.long),
        "inventory",
    ],
)
def test_set_back_and_healed(standing: Standing, tmp_path: Path, service: str) -> None:
    stack, shop, _ = standing
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


@pytest.mark.long
@pytest.mark.parametrize("services", [("order", "shipping"), ("inventory", "shipping")])
def test_two_at_once(standing: Standing, tmp_path: Path, services: tuple[str, str]) -> None:
    """One after the other, and the first once more: then it hears of what the second has taken
    back."""
    stack, shop, _ = standing
    trade = Trade(shop)
    trade.some()
    backups = [Backup(stack, service, tmp_path) for service in services]
    trade.go_on()
    trade.some()

    for backup in backups:
        backup.restore(start=False)
    for backup in backups:
        backup.start()
    for service in services:
        wait_until_noticed(shop, service)
    for service in (*services, services[0]):
        report = heal(stack, service)

    assert not report["undecidable"], report["undecidable"]
    wait_until_all_agrees(shop)
    trade.nothing_leaves_again()


@pytest.mark.long
def test_under_load_and_killed_in_the_middle(standing: Standing, tmp_path: Path) -> None:
    """kill -9 of the command, at a page, before the fence goes and after it; then it is run
    again."""
    stack, shop, _ = standing
    load = Load(shop, customers=2, pause=0.3, merchant=True)
    with load.flowing():
        load.more(20)
        backup = Backup(stack, "shipping", tmp_path)
        load.more(60)
        backup.restore()
        wait_until_noticed(shop, "shipping")
        began = time.monotonic()
        for point in RESTORED:
            armed = tmp_path / f"shipping.{point}"
            armed.write_text("kill")
            with pytest.raises(subprocess.CalledProcessError):
                stack.manage_with({VARIABLE: str(tmp_path)}, "shipping", "restored")
            assert armed.with_name(f"{armed.name}.hit").exists()
        report = heal(stack, "shipping")
        took = time.monotonic() - began

    assert not report["undecidable"], report["undecidable"]
    print(f"healed in {took:.0f} s, with {len(RESTORED)} kills")
    wait_until_all_agrees(shop)
    check_client(shop, load.accepted)


@pytest.mark.long
def test_recovered_to_a_moment_from_a_base_backup_and_its_wal(
    standing: Standing, tmp_path: Path
) -> None:
    """As docs/operations.md says: the cluster beside, as it was, and the service's database out of
    it."""
    stack, shop, _ = standing
    archive, trade = Archive(stack), Trade(shop)
    archive.begin()
    for service in OWNERS:
        stack.wait_ready(service)
    trade.some()
    moment = archive.moment()
    trade.go_on()
    trade.some()

    with archive.recovered(moment) as address:
        url = archive.url(address, "polder_order")
        backup = Backup(stack, "order", tmp_path, url)
    backup.restore()
    wait_until_noticed(shop, "order")
    report = heal(stack, "order")

    assert report["adopted"], report
    assert not report["undecidable"], report["undecidable"]
    wait_until_all_agrees(shop)
    trade.nothing_leaves_again()


@pytest.mark.long
def test_what_it_works_with_is_killed_in_the_middle(standing: Standing, tmp_path: Path) -> None:
    """kill -9 of the database, of the housekeepers that ask and answer, of the broker and of the
    worker, each while the command is at a step; then it is run again."""
    stack, shop, _ = standing
    trade = Trade(shop)
    trade.some()
    backup = Backup(stack, "inventory", tmp_path)
    trade.go_on()
    trade.some()
    backup.restore()
    wait_until_noticed(shop, "inventory")

    _run_and_kill(stack, tmp_path, {"restored.before-commit": ["postgres"]})
    _run_and_kill(
        stack,
        tmp_path,
        {
            "restored.before-commit": ["inventory-housekeeper", "order-housekeeper"],
            "restored.after-commit": ["rabbitmq"],
            "restored.before-reconciling": ["inventory-worker"],
        },
    )
    report = heal(stack, "inventory")

    assert not report["undecidable"], report["undecidable"]
    wait_until_all_agrees(shop)
    trade.nothing_leaves_again()


def _run_and_kill(stack: DisturbedStack, folder: Path, steps: Mapping[str, Sequence[str]]) -> None:
    """Whether or not the command survives it; then all are there again."""
    with ThreadPoolExecutor() as pool:
        for point in steps:
            (folder / f"inventory.{point}").write_text("pause 5")
        run = pool.submit(stack.manage_with, {VARIABLE: str(folder)}, "inventory", "restored")
        for point, killed in steps.items():
            hit = folder / f"inventory.{point}.hit"
            until(lambda hit=hit: hit.exists() or run.done(), hit.name, SLOW)  # type: ignore[misc]
            for name in killed if hit.exists() else ():
                stack.kill(name)
        with suppress(subprocess.CalledProcessError):
            run.result()
    for path in folder.glob("inventory.restored.*"):
        path.unlink()
    for name in chain(*steps.values()):
        stack.reset_backoff(name)
        stack.wait_ready(name)
    for service in OWNERS:
        stack.wait_ready(service)


@pytest.mark.long
def test_a_neighbour_is_away(standing: Standing, tmp_path: Path) -> None:
    """It owns a replica of ours, too. What it alone knows waits until it is back."""
    stack, shop, _ = standing
    trade = Trade(shop)
    trade.some()
    backup = Backup(stack, "order", tmp_path)
    trade.go_on()
    trade.some()
    for process in PROCESSES:
        stack.stop_process(f"shipping-{process}")
    backup.restore()
    wait_until_noticed(shop, "order")

    report = heal(stack, "order", "--without", "shipping")

    assert report["unfilled"] == ["shipping.shipment"]
    assert report["adopted"], report
    assert not report["undecidable"], report["undecidable"]

    # When it is back
    for process in PROCESSES:
        stack.start_process(f"shipping-{process}")
    stack.wait_ready("shipping")
    report = heal(stack, "order")

    assert report["unfilled"] == []
    assert not report["undecidable"], report["undecidable"]
    wait_until_all_agrees(shop)
    trade.nothing_leaves_again()
