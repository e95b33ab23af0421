"""A fourth service by one command, in a copy of the code and a shop that has a history."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.environment import VHOST
from deploy.local.ports import Ports
from deploy.local.run_directory import lines_of
from deploy.local.services import SERVICES
from deploy.local.stack import ROOT, Stack
from polder.broker.management_api import ManagementApi
from tests.blackbox.shop import Shop, until
from tests.chaos.mutation.edited_copy import edited_copy
from tests.temporary import temporary_folder

NEW = ("manage.py", "new-service", "billing", "--replicates", "order.order", "inventory.product")


@pytest.mark.long
def test_it_fills_itself_follows_and_is_removed_again() -> None:
    with temporary_folder("fourth") as folder:
        root = edited_copy(folder, [])
        subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)  # it lists the pages
        shutil.copy(ROOT / ".gitignore", root)  # and not those of what runs
        before = _texts(root)

        # Given a shop with orders
        with _running(root, SERVICES) as stack:
            shop = Shop(stack.environment.of_stack())
            orders = [shop.place_ready(p1=1), shop.place(p2=2)]

        # When a service is written, and the shop started again
        _run(root, *NEW)
        with _running(root, (*SERVICES, "billing")) as stack:
            shop = Shop(stack.environment.of_stack())
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
            assert "billing.from.order" in _servers_have(stack)
            said = _run(root, "manage.py", "remove-service", "billing", "--yes")

            # Then the code is as before, and what the shop keeps of it is counted and stays
            assert _texts(root) == before
            assert "billing_billing 3," in said
            assert "the queue billing.from.order, messages: " in said
            assert "manage.py remove-service billing --data" in said

            # and goes when that is asked for; the others go on
            _run(root, "manage.py", "remove-service", "billing", "--data", "--yes")
            assert _servers_have(stack) == set()
            shop.place_ready(p1=1)


@contextmanager
def _running(root: Path, services: tuple[str, ...]) -> Iterator[Stack]:
    """On the data of the last time."""
    stack = Stack(root / ".run", Ports.free(services), services, root=root)
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()


def _servers_have(stack: Stack) -> set[str]:
    """What is called by the name of the service."""
    url = stack.environment.of_stack()["RABBITMQ_MANAGEMENT_URL"]
    api = ManagementApi(url, VHOST)
    with stack.postgres.connect() as server:
        sql = "SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles"
        names = {str(name) for (name,) in server.execute(sql)}
    for kind in ("queues", "exchanges", "policies"):
        names |= {one["name"] for one in api.call("GET", kind, VHOST)}
    names |= {one["name"] for one in api.call("GET", "users")}
    return {name for name in names if "billing" in name}


def _billed(shop: Shop) -> set[str]:
    return {key for (key,) in shop.rows("billing", "SELECT order_id::text FROM billing_billing")}


def _texts(root: Path) -> dict[str, bytes]:
    caches = {".git", ".run", "__pycache__", ".hypothesis", ".import_linter_cache"}
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
