"""A fourth service by one command, in a copy of the code and a shop that has a history."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.ports import Ports
from deploy.local.run_directory import lines_of
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from tests.chaos.mutation.edited_copy import edited_copy
from tests.shop import Shop, until
from tests.temporary import temporary_folder

NEW = ("manage.py", "new-service", "billing", "--replicates", "order.order", "inventory.product")


@pytest.mark.long
def test_it_fills_itself_follows_and_is_removed_again() -> None:
    with temporary_folder("fourth") as folder:
        root = edited_copy(folder, [])
        subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)  # it lists the pages
        before = _texts(root)

        # Given a shop with orders
        with _running(folder, root, SERVICES) as shop:
            orders = [shop.place_ready(p1=1), shop.place(p2=2)]

        # When a service is written, and the shop started again
        _run(root, *NEW)
        with _running(folder, root, (*SERVICES, "billing")) as shop:
            # Then it knows the history, and hears what happens
            until(lambda: _billed(shop) >= set(orders), "the history is there", 120)
            orders.append(shop.place(p1=1))
            until(lambda: _billed(shop) >= set(orders), "the new order is there", 120)
            products = "SELECT count(*) FROM replica_product"
            assert shop.rows("billing", products) == shop.rows("order", products)

            # and every copy is what its owner holds
            (env := folder / "stack.env").write_text(lines_of(shop.variables))
            _run(root, "-m", "tests.verify", "--env", str(env), "--audit", "on")

        # and its own tests pass, and the whole gate
        _run(root, "-m", "tests", "billing")
        _run(root, "-m", "tools.check")

        # When it is removed
        _run(root, "manage.py", "remove-service", "billing", "--yes")

        # Then nothing is left of it
        assert _texts(root) == before


@contextmanager
def _running(folder: Path, root: Path, services: tuple[str, ...]) -> Iterator[Shop]:
    """On the data of the last time."""
    stack = Stack(folder / "run", Ports.free(services), services, root=root)
    stack.start()
    try:
        yield Shop(stack.environment.of_stack())
    finally:
        stack.stop()


def _billed(shop: Shop) -> set[str]:
    return {key for (key,) in shop.rows("billing", "SELECT order_id::text FROM billing_billing")}


def _texts(root: Path) -> dict[str, bytes]:
    caches = {".git", "__pycache__", ".hypothesis", ".import_linter_cache"}
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not any(p in caches or p.endswith("_cache") for p in path.parts)
    }


def _run(root: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
