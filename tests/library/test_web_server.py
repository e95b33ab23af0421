"""The web process: `manage.py <service> web`, for real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deploy.local.ports import Ports, http_status
from tests.blackbox.shop import until
from tests.library.web_process import on_test_database

ROOT = Path(__file__).resolve().parents[2]
WEB = (sys.executable, "manage.py", "order", "web")


def test_it_serves_logs_as_json_and_stops_when_told(tmp_path: Path, django_db_setup: None) -> None:
    # Given the process on a port of its own
    port = Ports.free()["order"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*WEB, "--bind", f"127.0.0.1:{port}", "--nice", "7"],
            cwd=ROOT,
            env=os.environ | {"ORDER_DATABASE_URL": on_test_database()},
            stdout=log,
            stderr=log,
        )
    try:
        # When it is asked
        until(lambda: http_status(port, "/livez") == 200, "the web process answers")
        nice = [os.getpriority(os.PRIO_PROCESS, pid) for pid in _with_children(process.pid)]
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(120)
    # Then it has answered, ended well, and said so in lines of JSON, with nothing about who asked
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert status == 0
    assert {line["logger"] for line in lines} == {"gunicorn.error"}
    assert not [line for line in lines if "/livez" in line["event"]]
    assert {line["process"] for line in lines} == {os.environ.get("POLDER_PROCESS") or "order-web"}
    # and all of it, its worker too, has given way as far as it was told to, beside us
    assert nice == [min(os.nice(0) + 7, 19)] * 2


@pytest.mark.parametrize("far", ["-1", "20", "much"])
def test_it_gives_way_by_nothing_else(far: str) -> None:
    # When it is told to give way by what is no priority, or to push others aside
    done = subprocess.run(
        [*WEB, "--nice", far], cwd=ROOT, capture_output=True, text=True, check=False
    )
    # Then it does not start, and says why
    assert done.returncode == 2
    assert "--nice" in done.stderr


def _with_children(pid: int) -> list[int]:
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
