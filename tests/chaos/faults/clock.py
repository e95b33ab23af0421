"""One service's wall clock is an hour off, by a few lines of C that are preloaded into its
processes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from deploy.local.processes import ProcessSpec
from tests.blackbox.shop import until
from tests.chaos.faults.fault import at, register
from tests.chaos.scene import Scene

SOURCE = Path(__file__).with_name("clock.c")
COMPILER = shutil.which("cc")


def _off(shift: str, scene: Scene) -> None:
    assert COMPILER is not None
    library = scene.failpoints.parent / "clock.so"
    subprocess.run(
        [COMPILER, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"], check=True
    )
    service = scene.service()
    specs = [
        spec for spec in scene.stack.catalogue.of_service(service) if not spec.name.endswith("-web")
    ]
    specs += [
        spec for spec in scene.stack.catalogue.of_service(service) if spec.name.endswith("-web")
    ]
    for spec in specs:
        scene.stack.stop_process(spec.name)
    try:
        with ExitStack() as running:
            for spec in specs:
                running.enter_context(
                    _started(scene, spec, {"LD_PRELOAD": str(library), "POLDER_CLOCK_SHIFT": shift})
                )
            web = next(spec for spec in specs if spec.name.endswith("-web"))
            until(web.is_ready, f"{service} is ready with another clock")
            scene.orders()
    finally:
        for spec in specs:
            scene.stack.start_process(spec.name)


@contextmanager
def _started(scene: Scene, spec: ProcessSpec, extra: dict[str, str]) -> Iterator[None]:
    with scene.stack.log(f"{spec.name}-off").open("ab") as log:
        process = subprocess.Popen(
            spec.command, cwd=spec.cwd, env={**spec.environment, **extra}, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


if COMPILER is not None:
    register(
        at(_off, "3600"),
        name="clock-an-hour-ahead",
        what="the clock of one service is an hour ahead",
    )
    register(
        at(_off, "-3600"),
        name="clock-an-hour-behind",
        what="the clock of one service is an hour behind",
    )
