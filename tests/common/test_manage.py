"""`make manage`: where a stack's servers are, and as whom a command runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local.ports import Ports
from deploy.local.stack import Stack
from deploy.manage import environment_for, ports_of, variables


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    stack = Stack(tmp_path / "run", Ports.free())
    stack.run.create()
    return stack


def test_the_ports_are_those_of_the_stack(stack: Stack) -> None:
    told = "".join(f"{name}='{value}'\n" for name, value in stack.environment.of_stack().items())

    ports = ports_of(variables(told))

    assert (ports.postgres, ports.rabbitmq, ports.rabbitmq_management) == (
        stack.ports.postgres,
        stack.ports.rabbitmq,
        stack.ports.rabbitmq_management,
    )


@pytest.mark.parametrize(("command", "role"), [("republish", "order_app"), ("migrate", "order_ddl"), ("topology", "order_app")])
def test_as_whom(stack: Stack, command: str, role: str) -> None:
    given = environment_for(stack.environment, "order", command)

    assert f"//{role}:" in given["ORDER_DATABASE_URL"]
    assert ("RABBITMQ_MANAGEMENT_URL" in given) == (command == "topology")
    assert not any(name.startswith(("INVENTORY_", "SHIPPING_")) for name in given)
