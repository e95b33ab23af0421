"""Services set back behind many orders by a backup, and healed.

`python -m benchmarks set-back [--orders 18000] [--together] SERVICE...` starts a shop of its own,
makes a backup of each service named and places so many orders, of which most are sent off and
delivered. Then each service is set back and healed, one after the other or, `--together`, all at
once. Prints when it was noticed after its start, how long `restored` took and until all agreed
again, and what it reports.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.local.services import SERVICES
from tests.backup import Backup
from tests.load import Load
from tests.restoring import heal, wait_until_all_agrees, wait_until_noticed
from tests.standing import Standing, standing_shop

AN_HOUR = 18_000  # orders, at five a second
AT_ONCE = 1_000
LONGEST = 900.0
TOLD = ("adopted", "lifted", "undecidable", "reconciled", "standing")


def measure(services: Sequence[str], orders: int, *, together: bool) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="polder-set-back-") as folder,
        standing_shop(Path(folder), strict=False, watched=False) as standing,
    ):
        stack, shop, _ = standing
        products = [shop.new_product(weight=100, on_hand=1_000_000) for _ in range(20)]
        load = Load(shop, customers=8, pause=0.0, products=products)
        with load.flowing():
            load.more(100)
            backups = {service: Backup(stack, service, Path(folder)) for service in services}
            with _timed(f"{orders:,} orders placed"):
                for begin in range(0, orders, AT_ONCE):
                    load.more(min(AT_ONCE, orders - begin))
        wait_until_all_agrees(shop, LONGEST)
        for some in [services] if together else [[service] for service in services]:
            _set_back(standing, [backups[service] for service in some])


def _set_back(standing: Standing, backups: Sequence[Backup]) -> None:
    stack, shop, _ = standing
    names = [backup.service for backup in backups]
    for backup in backups:
        backup.restore(start=False)
    with _timed(f"{' and '.join(names)}: noticed after the start"):
        for backup in backups:
            backup.start()
        for name in names:
            wait_until_noticed(shop, name)
    # of two, the first hears afterwards of what the second has taken back, and so once more
    for name in names if len(names) == 1 else [*names, *names]:
        with _timed(f"{name}: healed"):
            report = heal(stack, name)
        counted = {key: report[key] for key in TOLD}
        print("  ", {key: len(n) if isinstance(n, list) else n for key, n in counted.items()})
    with _timed("all agrees"):
        wait_until_all_agrees(shop, LONGEST)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    print(f"{what}: {time.monotonic() - began:.1f} s", flush=True)


def main(arguments: Sequence[str]) -> int:
    top = argparse.ArgumentParser(
        prog="python -m benchmarks set-back",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("services", nargs="+", choices=SERVICES, metavar="SERVICE")
    top.add_argument("--orders", type=int, default=AN_HOUR)
    top.add_argument("--together", action="store_true", help="all of them at once")
    options = top.parse_args(arguments)
    measure(options.services, options.orders, together=options.together)
    return 0
