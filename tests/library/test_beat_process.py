"""Beat as a process of its own: people hear of what is wrong also when the broker is away, by which
it asks the housekeeper for everything else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection

from polder.testing import deliver, eventually
from tests.library.test_alarms import Hook

ROOT = Path(__file__).resolve().parents[2]
NOBODY = "amqp://order:secret@127.0.0.1:9/polder"


def test_alarms_are_told_without_a_broker(committed: None) -> None:
    # Given a message that cannot be read, and no broker
    deliver(b"{")
    with Hook().listening() as hook:
        database = urlsplit(os.environ["ORDER_DATABASE_URL"])
        database = database._replace(path=f"/{connection.settings_dict['NAME']}")
        told = {"ORDER_AMQP_URL": NOBODY, "ORDER_ALARM_WEBHOOK": hook.url}

        # When beat runs
        beat = subprocess.Popen(
            [sys.executable, "manage.py", "order", "beat"],
            cwd=ROOT,
            env=os.environ | told | {"ORDER_DATABASE_URL": database.geturl()},
            stderr=subprocess.DEVNULL,
        )

        # Then
        try:
            eventually(lambda: hook.of("parked") == ["firing"], seconds=300, pause=0.5)
        finally:
            beat.kill()
            beat.wait()
