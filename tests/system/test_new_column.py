"""A replica declares one more field: a migration adds its column, and every row is filled without a
command, in a copy of the code and a shop that has a history."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.ports import Ports
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from tests.blackbox.shop import Shop, until
from tests.chaos.mutation.edited_copy import edited_copy
from tests.temporary import temporary_folder

REPLICAS = "shipping_service/models/replicas.py"
BEFORE = """\
class Product(Replica, of="inventory.product"):
    name = models.CharField(max_length=500)
"""
AFTER = """\
class Product(Replica, of="inventory.product", currency="price.currency"):
    name = models.CharField(max_length=500)
    currency = models.CharField(max_length=3, default="")
"""
_FILLED = """
SELECT state, reason FROM polder_replication_replicastate WHERE aggregate = 'inventory.product'
"""


@pytest.mark.long
def test_a_column_that_a_migration_adds_is_filled() -> None:
    with temporary_folder("column") as folder:
        root = edited_copy(folder, [])
        # Given a shop with products
        with _running(folder, root) as shop:
            made = {shop.new_product(weight=100, on_hand=1) for _ in range(20)}
            until(lambda: made <= set(_column(shop, "version")), "they have arrived", 120)

        # When the code declares the field, and a migration adds the column
        text = (root / REPLICAS).read_text()
        assert text.count(BEFORE) == 1
        (root / REPLICAS).write_text(text.replace(BEFORE, AFTER))
        subprocess.run([sys.executable, "-m", "tools.migrations"], cwd=root, check=True)
        [written] = (root / "shipping_service" / "migrations").glob("0002_*.py")
        assert "currency" in written.read_text()

        # Then each row has it, though nobody has said anything of it
        with _running(folder, root) as shop:
            until(
                lambda: shop.rows("shipping", _FILLED) == [("complete", "it declares currency")],
                "the replica is complete",
                120,
            )
            found = _column(shop, "currency")
            assert made <= set(found)
            assert set(found.values()) == {"EUR"}
            assert shop.rows("shipping", "SELECT FROM polder_replication_drift") == []


def _column(shop: Shop, column: str) -> dict[str, str]:
    return dict(shop.rows("shipping", f"SELECT key, {column} FROM replica_product"))


@contextmanager
def _running(folder: Path, root: Path) -> Iterator[Shop]:
    """On the data of the last time."""
    stack = Stack(folder / "run", Ports.free(SERVICES), SERVICES, root=root)
    stack.start()
    try:
        yield Shop(stack.environment.of_stack())
    finally:
        stack.stop()
