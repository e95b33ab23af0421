"""Services are set back by a backup under load, and healed by `restored`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from polder.database.partitioning import first_key_at
from tests.backup import Backup
from tests.chaos.faults.fault import register
from tests.chaos.scene import Scene
from tests.restoring import heal, wait_until_noticed

PATIENCE = 900.0  # seconds that customers have: nothing new is taken while orders are forgotten
_FENCED = "SELECT since FROM polder_outbox_fenced WHERE lifted_at IS NULL"
_ACTED_ON = """
SELECT said.type, said.subject FROM polder_outbox AS said JOIN polder_outbox_fenced AS fenced
    ON (fenced.aggregate, fenced.key) = (said.aggregate_type, said.subject)
WHERE fenced.lifted_at IS NULL AND said.id >= %s
"""


def set_back(services: Sequence[str], scene: Scene) -> Mapping[str, float]:
    """What was measured, in seconds: until the last of them knew what it had forgotten, and until
    all was healed; and how many aggregates were forgotten and taken back."""
    scene.load.patience += PATIENCE
    with tempfile.TemporaryDirectory(prefix="polder-backup-") as folder:
        backups = [Backup(scene.stack, service, Path(folder)) for service in services]
        traded = scene.seconds(full=600, short=45)
        time.sleep(traded)
        for backup in backups:
            backup.restore(start=False)
        [[restarted]] = scene.shop.rows(services[0], "SELECT clock_timestamp()")
        noticed = 0.0
        for backup in backups:
            [[begun]] = scene.shop.rows(services[0], "SELECT clock_timestamp()")
            backup.start()
            noticed = max(noticed, _noticed(scene, backup.service, begun))
    for service in services:
        scene.stack.wait_ready(f"{service}-worker")
    time.sleep(5)  # in which the customers, the warehouse and the reconcilers try
    for service in services:
        acted = scene.shop.rows(service, _ACTED_ON, first_key_at(restarted))
        assert not acted, f"{service} acted on what it had forgotten: {acted[:5]}"
    fenced = sum(len(scene.shop.rows(service, _FENCED)) for service in services)
    began = time.monotonic()
    # one after the other, and the first once more: then it hears what the second has taken back
    for service in services if len(services) == 1 else (*services, services[0]):
        report = heal(scene.stack, service)
    healed = time.monotonic() - began
    assert not report["undecidable"], report["undecidable"]
    return {
        "traded": traded,
        "noticed": round(noticed, 1),
        "healed": round(healed, 1),
        "forgotten": fenced,
    }


def _noticed(scene: Scene, service: str, begun: datetime) -> float:
    """Seconds after its processes began to be started."""
    wait_until_noticed(scene.shop, service)
    [[at]] = scene.shop.rows(service, f"SELECT min(since) FROM ({_FENCED}) AS fenced")
    return float((at - begun).total_seconds())


# who has something to forget, and lose: others come and go (`manage.py new-service`)
for _services in (("order",), ("inventory",), ("shipping",), ("order", "inventory")):
    _who = " and ".join(_services)
    register(
        partial(set_back, _services),
        name=f"set-back-{'-and-'.join(_services)}",
        what=f"{_who} set back by a backup, under load, and healed by `restored`",
        sets_back=True,
    )
