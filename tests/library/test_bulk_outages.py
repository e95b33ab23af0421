"""Many parked messages are redriven while the database goes away, time and again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

import pytest
from django.db import Error, connection

from polder.inbox import bulk
from polder.inbox.redrive import redrive_batch
from polder.inbox.report import Report
from polder.process.identity import lives, this_process
from polder.testing.database import other_connection
from tests.library.test_bulk import begun, committed, states

__all__ = ["committed"]


def test_no_outage_is_taken_for_a_message_that_ends_its_process(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, outages = begun(), 0
    port = connection.settings_dict["PORT"]

    def cut_off(keys: Sequence[int]) -> Report:
        nonlocal outages
        outages += 1
        with connection.cursor() as cursor, other_connection() as other:
            cursor.execute("SELECT pg_backend_pid()")
            other.execute("SELECT pg_terminate_backend(%s)", cursor.fetchone())
        connection.settings_dict["PORT"] = "1"  # nobody answers who is asked again
        return redrive_batch(keys)

    with monkeypatch.context() as patch:
        patch.setattr("polder.inbox.redrive_many.redrive_batch", cut_off)
        for _ in range(4):
            try:
                with suppress(Error):
                    bulk.work(20)
            finally:
                connection.settings_dict["PORT"] = port
            connection.close()
    assert outages == 4

    bulk.work(20)

    one.refresh_from_db()
    assert (one.state, one.outcomes) == ("done", {"redriven-applied": 3})
    assert states() == {"redriven"}


def test_a_process_is_known_while_it_lives() -> None:
    other = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from polder.process.identity import *; print(this_process()); input()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ,
        text=True,
    )
    assert other.stdout is not None
    named = other.stdout.readline().strip()

    assert lives(named)
    assert lives(this_process())
    other.kill()
    assert other.returncode is None
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert not lives(named), "dead, though nobody has taken note of it"
    other.communicate()
    assert not lives(named)
    assert not lives("")
    assert not lives(this_process() + "1")
