"""Passwords that are not those of the servers' data are named within seconds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.local.errors import PolderError
from deploy.local.ports import Ports
from deploy.local.stack import Stack


def test_another_password_than_the_brokers_own(tmp_path: Path) -> None:
    # Given a broker with data
    stack = Stack(tmp_path / "run", Ports.free())
    stack.start_servers()
    stack.stop(patient=False)

    # When its password is another in the file
    passwords = tmp_path / "run" / "passwords.json"
    passwords.write_text(json.dumps(json.loads(passwords.read_text()) | {"rabbitmq admin": "x"}))
    again = Stack(tmp_path / "run", Ports.free())
    try:
        with pytest.raises(PolderError, match="refuses the password of its user"):
            again.start_servers()
    finally:
        again.stop(patient=False)
