"""`make manage`: where a stack's servers are, and as whom a command runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.ports import Ports
from deploy.local.stack import Stack


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    stack = Stack(tmp_path / "run", Ports.free())
    stack.run.create()
    return stack


def test_the_ports_are_those_of_the_stack(stack: Stack) -> None:
    stack.ports.write(stack.run.ports)

    assert Ports.recorded(stack.run.ports) == stack.ports


@pytest.mark.parametrize(
    ("command", "role"),
    [("republish", "order_app"), ("migrate", "order_ddl"), ("topology", "order_app")],
)
def test_as_whom(stack: Stack, command: str, role: str) -> None:
    given = stack.environment.of_command("order", command)

    assert f"//{role}:" in given["ORDER_DATABASE_URL"]
    assert ("RABBITMQ_MANAGEMENT_URL" in given) == (command == "topology")
    assert not any(name.startswith(("INVENTORY_", "SHIPPING_")) for name in given)
