"""The disk under PostgreSQL is full: a small one of memory, which its data is moved onto for as
long as the fault lasts."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.blackbox.shop import until
from tests.chaos.faults.fault import fault
from tests.chaos.scene import Scene

ROOM = 192 << 20  # bytes beside what there is already; PostgreSQL keeps some logs of its own
SAID = b"No space left on device"


@fault(network=True)
def postgres_disk_full(scene: Scene) -> None:
    """The disk of PostgreSQL is full for 20 s while orders are taken; then there is room again"""
    with _on_a_small_disk(scene) as data:
        scene.orders()
        log = scene.stack.log("postgres")
        begin = log.stat().st_size
        filler = data / "filler"
        try:
            _fill(data, filler)
            until(lambda: SAID in _since(log, begin), "PostgreSQL meets the full disk")
            time.sleep(scene.seconds(full=20, short=8))
        finally:
            filler.unlink(missing_ok=True)
        scene.stack.reset_backoff("postgres")
        scene.stack.wait_ready("postgres")
        scene.orders()


@contextmanager
def _on_a_small_disk(scene: Scene) -> Iterator[Path]:
    """The cluster's data, copied onto a tmpfs while PostgreSQL is stopped, and back."""
    data = scene.stack.postgres.data
    aside = data.with_name("data.aside")
    scene.stack.stop_process("postgres")
    data.rename(aside)
    data.mkdir()
    used = int(subprocess.check_output(["du", "-sb", aside]).split()[0])
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={used + ROOM}", "polder", data], check=True
    )
    try:
        _copy(aside, data)
        scene.stack.start_process("postgres")
        yield data
    finally:
        scene.stack.stop_process("postgres")
        shutil.rmtree(aside)
        aside.mkdir()
        _copy(data, aside)
        subprocess.run(["umount", data], check=True)
        data.rmdir()
        aside.rename(data)
        scene.stack.start_process("postgres")


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", f"{source}/.", target], check=True)


def _fill(disk: Path, filler: Path) -> None:
    """What is free, to the last block."""
    with filler.open("wb") as file:
        try:
            while True:
                file.write(b"\0" * (1 << 20))
                file.flush()
        except OSError:
            os.utime(filler)


def _since(log: Path, begin: int) -> bytes:
    with log.open("rb") as file:
        file.seek(begin)
        return file.read()
