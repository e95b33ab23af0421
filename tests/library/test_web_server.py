"""The web process: `manage.py <service> web`, for real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from deploy.local.ports import Ports, http_status
from tests.blackbox.shop import until
from tests.library.web_process import on_test_database

ROOT = Path(__file__).resolve().parents[2]


def test_it_serves_logs_as_json_and_stops_when_told(tmp_path: Path, django_db_setup: None) -> None:
    # Given the process on a port of its own
    port = Ports.free()["order"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "order", "web", "--bind", f"127.0.0.1:{port}"],
            cwd=ROOT,
            env=os.environ | {"ORDER_DATABASE_URL": on_test_database()},
            stdout=log,
            stderr=log,
        )
    try:
        # When it is asked
        until(lambda: http_status(port, "/livez") == 200, "the web process answers")
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(120)
    # Then it has answered, ended well, and said so in lines of JSON, with nothing about who asked
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert status == 0
    assert {line["logger"] for line in lines} == {"gunicorn.error"}
    assert not [line for line in lines if "/livez" in line["event"]]
    assert {line["process"] for line in lines} == {os.environ.get("POLDER_PROCESS") or "order-web"}
