"""One service's clock is an hour off, with libfaketime."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from deploy.local.process import ProcessSpec
from tests.faults.fault import at, register
from tests.faults.scene import Scene
from tests.shop import until

LIBRARIES = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
FAKETIME = next(iter(LIBRARIES), None)


def _off(shift: str, scene: Scene) -> None:
    assert FAKETIME is not None
    service = scene.service()
    specs = [spec for spec in scene.stack.catalogue.of_service(service) if not spec.name.endswith("-web")]
    specs += [spec for spec in scene.stack.catalogue.of_service(service) if spec.name.endswith("-web")]
    for spec in specs:
        scene.stack.stop_process(spec.name)
    try:
        with ExitStack() as running:
            for spec in specs:
                running.enter_context(_started(scene, spec, {"LD_PRELOAD": str(FAKETIME), "FAKETIME": shift, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}))
            web = next(spec for spec in specs if spec.name.endswith("-web"))
            until(web.is_ready, f"{service} is ready with another clock")
            scene.orders()
    finally:
        for spec in specs:
            scene.stack.start_process(spec.name)


@contextmanager
def _started(scene: Scene, spec: ProcessSpec, extra: dict[str, str]) -> Iterator[None]:
    with scene.stack.log(f"{spec.name}-off").open("ab") as log:
        process = subprocess.Popen(spec.command, cwd=spec.cwd, env={**spec.environment, **extra}, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


if FAKETIME is not None:
    register(at(_off, "+3600"), name="clock-an-hour-ahead", what="the clock of one service is an hour ahead")
    register(at(_off, "-3600"), name="clock-an-hour-behind", what="the clock of one service is an hour behind")
