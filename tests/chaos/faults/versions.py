"""Two versions of an event's `data` on the wire at once, as in any deployment, forth and back."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from deploy.local.ports import HOST, Ports, http_status
from tests.blackbox.shop import Shop, until
from tests.chaos.faults.fault import fault
from tests.chaos.mutation.edited_copy import Edit, edited_copy
from tests.chaos.scene import Scene

CONTRACT = "common/contracts/orders.py"
# The code as it was while the customer's name was one member.
VERSION_1 = (
    Edit(CONTRACT, "    schema_version = 2  # 1 had the customer's name in one piece\n", ""),
    Edit(CONTRACT, '    given_name: Text = Field(examples=["Ada"])\n', "    name: Text\n"),
    Edit(CONTRACT, '    family_name: Text = Field(examples=["Waterman"])\n', ""),
    Edit(
        CONTRACT,
        'cls(given_name=given or family, family_name=family if given else "", email=email)',
        "cls(name=name, email=email)",
    ),
    Edit(
        CONTRACT,
        'f"{self.given_name} {self.family_name}" if self.family_name else self.given_name',
        "self.name",
    ),
    Edit("order_service/serializers.py", "CustomerOut(name=order.customer_name, ", "CustomerOut("),
)
SUBSCRIBERS = ("inventory", "shipping")
ORDERS = 20  # of version 1, at each stage
_OF_VERSION = """FROM polder_outbox WHERE body LIKE '%%"dataschema":"order/%%/' || %s || '"%%'"""
_TOO_NEW = """
SELECT (SELECT count(*) FROM polder_inbox_parkedevent WHERE reason = 'newer-version')
    + (SELECT count(*) FROM polder_inbox_waitingevent WHERE error LIKE '%newest known here%')
"""
_STILL_PARKED = "SELECT count(*) FROM polder_inbox_parkedevent WHERE state = 'parked'"


@fault()
def two_versions_forth_and_back(scene: Scene) -> None:
    """Order publishes versions 1 and 2 of its events at once; the subscribers go back to code that
    knows version 1 alone, and forth again: what they could not read is applied by itself"""
    with tempfile.TemporaryDirectory(prefix="polder-versions-") as folder:
        old = edited_copy(Path(folder), VERSION_1)
        with _process(scene, old, "order", "worker", "--name", "v1"), _web(scene, old) as url:
            both = replace(scene.shop, variables=scene.shop.variables | {"ORDER_URL": url})
            _order(scene, both)
            with _subscribers_of(scene, old):
                _order(scene, both)
                for service in SUBSCRIBERS:
                    until(
                        lambda: scene.shop.rows(service, _TOO_NEW)[0][0] > 0,  # noqa: B023
                        f"{service} met a version that it does not know",
                    )
            _order(scene, both)
        until(lambda: _in_flight(scene) == 0, "both versions have been read")
        for service in SUBSCRIBERS:
            until(
                lambda: scene.shop.rows(service, _STILL_PARKED)[0][0] == 0,  # noqa: B023
                f"{service} has applied what it had parked",
            )
    for version in ("1", "2"):
        [[said]] = scene.shop.rows("order", f"SELECT count(*) {_OF_VERSION}", version)
        assert said >= 3 * ORDERS, f"{said} events of version {version}"


def _order(scene: Scene, both: Shop) -> None:
    """By version 1, while customers go on with version 2."""
    for _ in range(ORDERS):
        scene.load.accepted[f"v1-{time.monotonic_ns()}"] = both.place(p3=1)
    scene.orders()


@contextmanager
def _subscribers_of(scene: Scene, root: Path) -> Iterator[None]:
    """The subscribers run the code in `root`, and afterwards their own again."""
    parts = [f"{service}-{part}" for service in SUBSCRIBERS for part in ("worker", "housekeeper")]
    for part in parts:
        scene.stack.stop_process(part)
    with ExitStack() as processes:
        for part in parts:
            service, _, command = part.partition("-")
            processes.enter_context(_process(scene, root, service, command, "--name", "v1"))
        yield
    for part in parts:
        scene.stack.start_process(part)


def _in_flight(scene: Scene) -> int:
    sent = {key for (key,) in scene.shop.rows("order", f"SELECT id {_OF_VERSION}", "1")}
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
    with scene.stack.log(f"{service}-v1").open("ab") as log:
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
    port = Ports.free()["order"]
    with _process(scene, root, "order", "web", "--bind", f"{HOST}:{port}"):
        log = scene.stack.log("order-v1")
        until(
            lambda: http_status(port, "/readyz") == 200,
            f"version 1 answers; its log is {log}",
            seconds=60,
        )
        yield f"http://{HOST}:{port}"
