"""Two versions of an event's `data` on the wire at once, as in any deployment, and the way back.

The last of the catalogue: whoever sends all history again after this one sends events that version
1 does not know.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from deploy.local.ports import HOST, Ports
from deploy.local.readiness import http_status
from tests.chaos.faults.fault import fault
from tests.chaos.mutation.edited_copy import Edit, edited_copy
from tests.chaos.scene import Scene
from tests.shop import until

# Version 2 of all that order says: an order has a channel, which version 1 did not know.
VERSION_2 = (
    Edit(
        "common/contracts/orders.py",
        "    customer: Customer\n",
        "    channel: Text\n    customer: Customer\n",
    ),
    Edit(
        "common/contracts/orders.py",
        '    aggregate = "order"\n',
        '    aggregate = "order"\n    schema_version = 2\n',
    ),
    Edit(
        "common/contracts/orders.py",
        "from polder.contracts.types import",
        "from polder.contracts.upcasts import upcast\nfrom polder.contracts.types import",
    ),
    Edit(
        "common/contracts/orders.py",
        "    status = OrderStatus.DELIVERED\n",
        "    status = OrderStatus.DELIVERED\n\n\nupcast(OrderEvent, from_version=1)(lambda data: "
        '{**data, "channel": "unknown"})\n',
    ),
    Edit(
        "order_service/models/owned.py",
        "        return OrderState(\n",
        '        return OrderState(\n            channel="web",\n',
    ),
)
SUBSCRIBERS = ("inventory", "shipping")
_OF_VERSION_2 = """FROM polder_outbox WHERE body LIKE '%"dataschema":"order/%/2"%'"""


@fault()
def two_versions_side_by_side(scene: Scene) -> None:
    """The subscribers learn version 2 of order's events; order publishes versions 1 and 2 at once;
    all is rolled back, the publisher first"""
    with tempfile.TemporaryDirectory(prefix="polder-versions-") as folder:
        new = edited_copy(Path(folder), VERSION_2)
        for service in SUBSCRIBERS:
            scene.stack.stop_process(f"{service}-worker")
        with ExitStack() as subscribers:
            for service in SUBSCRIBERS:
                subscribers.enter_context(_process(scene, new, service, "worker", "--name", "v2"))
            with _process(scene, new, "order", "worker", "--name", "v2"), _web(scene, new) as url:
                shop = replace(scene.shop, variables=scene.shop.variables | {"ORDER_URL": url})
                for _ in range(20):
                    scene.load.accepted[f"v2-{time.monotonic_ns()}"] = shop.place(p3=1)
                scene.orders()
            until(lambda: _in_flight(scene) == 0, "version 2 has been read")
        for service in SUBSCRIBERS:
            scene.stack.start_process(f"{service}-worker")
        scene.orders()
    [[told]] = scene.shop.rows("order", f"SELECT count(*) {_OF_VERSION_2}")
    assert told >= 20, f"{told} events of version 2"


def _in_flight(scene: Scene) -> int:
    sent = {key for (key,) in scene.shop.rows("order", f"SELECT id {_OF_VERSION_2}")}
    return max(
        len(
            sent
            - {
                key
                for (key,) in scene.shop.rows(
                    service, "SELECT id FROM polder_ledger WHERE publisher = 'order'"
                )
            }
        )
        for service in SUBSCRIBERS
    )


@contextmanager
def _process(scene: Scene, root: Path, service: str, *arguments: str) -> Iterator[None]:
    """Of the service, but with the code in `root`; ended in good order."""
    with scene.stack.log(f"{service}-v2").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", service, *arguments],
            cwd=root,
            env=scene.stack.environment.of_service(service),
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=120)
        finally:
            process.kill()


@contextmanager
def _web(scene: Scene, root: Path) -> Iterator[str]:
    """Its address, once it answers."""
    port = Ports.free().web["order"]
    with _process(scene, root, "order", "web", "--bind", f"{HOST}:{port}"):
        log = scene.stack.log("order-v2")
        until(
            lambda: http_status(port, "/readyz") == 200,
            f"the new version answers; its log is {log}",
            seconds=60,
        )
        yield f"http://{HOST}:{port}"
