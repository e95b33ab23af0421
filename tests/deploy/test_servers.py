"""The servers of a shop, stopped and started from another terminal."""

from __future__ import annotations

from pathlib import Path

from deploy.local.ports import Ports, accepts
from deploy.local.stack import Stack


def test_a_server_that_is_started_answers_once_that_is_said(tmp_path: Path) -> None:
    # Given
    stack = Stack(tmp_path / "run", Ports.free())
    stack.start_servers()
    try:
        elsewhere = Stack.running_in(stack.run.root)
        for name in ("rabbitmq", "postgres"):
            elsewhere.stop_process(name)
            assert elsewhere.process(name).state == "stopped"

            # When
            elsewhere.start_process(name)

            # Then
            assert accepts(stack.ports[name])
            assert elsewhere.process(name).state == "running"
    finally:
        stack.stop(patient=False)
