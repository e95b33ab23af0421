"""Packets that are dropped or led elsewhere, in the network of the test's own."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

TABLE = "polder_faults"


@contextmanager
def rules(*wanted: str, chain: str = "type filter hook output priority 0;") -> Iterator[None]:
    """nftables rules of a table of their own, taken away again afterwards. Those that inject
    together are told apart by the clock."""
    table = f"{TABLE}_{time.monotonic_ns()}"
    script = [
        f"add table ip {table}",
        f"add chain ip {table} out {{ {chain} }}",
        *(f"add rule ip {table} out {rule}" for rule in wanted),
    ]
    subprocess.run(["nft", "-f", "-"], input="\n".join(script) + "\n", text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", "ip", table], check=True)
