"""`make verify` without a stack to verify; and what the checker may know of the code that it
judges: nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from deploy.local.ports import Ports
from deploy.local.services import SERVICES
from deploy.local.stack import ROOT
from tests.blackbox.shop import Shop
from tests.verify.run import Verification

FOREIGN = {"common", *(f"{service}_service" for service in SERVICES), "deploy", "django"}


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_checker_knows_nothing_of_the_code_that_it_judges() -> None:
    code = (
        f"import sys, tests.verify.__main__; print({FOREIGN} & {{name.split('.')[0] for name "
        "in "
        "sys.modules})"
    )
    assert python("-c", code).stdout.strip() == "set()"


def nobody_listens(stack_env: Path) -> Ports:
    """Writes addresses at which nobody does."""
    ports = Ports.free()
    variables = [
        f"{owner}_DATABASE_URL=postgres://u:secret@127.0.0.1:{ports['postgres']}/polder"
        for owner in ("ORDER", "INVENTORY", "SHIPPING")
    ]
    stack_env.write_text(
        "\n".join([*variables, f"AMQP_URL=amqp://u:secret@127.0.0.1:{ports['rabbitmq']}/polder"])
    )
    return ports


def test_without_a_stack_it_says_what_to_do(tmp_path: Path) -> None:
    run = python("-m", "tests.verify", "--env", str(tmp_path / "stack.env"))
    assert run.returncode == 2
    assert "Start a stack with `make up`" in run.stdout


def test_a_stack_that_does_not_answer_is_named(tmp_path: Path) -> None:
    # Given addresses at which nobody listens
    ports = nobody_listens(tmp_path / "stack.env")

    # When it is verified, Then each is named, and no password
    run = python("-m", "tests.verify", "--env", str(tmp_path / "stack.env"))
    assert run.returncode == 2
    assert (
        f"Cannot reach the database of shipping at 127.0.0.1:{ports['postgres']}/polder"
        in run.stdout
    )
    assert f"Cannot reach the broker at 127.0.0.1:{ports['rabbitmq']}/polder" in run.stdout
    assert "secret" not in run.stdout + run.stderr


def test_it_obeys_nothing_of_whoever_starts_it(tmp_path: Path) -> None:
    """The same addresses, and an environment that names others."""
    ports = nobody_listens(tmp_path / "stack.env")
    others = {
        "PGSERVICE": "prod",
        "PGHOSTADDR": "203.0.113.1",
        "PGSSLMODE": "verify-full",
        "http_proxy": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-m", "tests.verify", "--env", str(tmp_path / "stack.env")]

    run = subprocess.run(
        command, cwd=ROOT, env=os.environ | others, capture_output=True, text=True, check=False
    )

    assert (
        f"Cannot reach the database of order at 127.0.0.1:{ports['postgres']}/polder" in run.stdout
    )
    assert "refused" in run.stdout
    assert "203.0.113.1" not in run.stdout
    assert "prod" not in run.stdout


def test_what_could_not_be_counted_is_not_checked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    variables = {
        "RABBITMQ_MANAGEMENT_URL": f"http://u:p@127.0.0.1:{port}",
        "AMQP_URL": "amqp://u:p@h/v",
    }
    verification = Verification(Shop(variables))

    assert verification._unacked() == []
    assert "what workers hold unacked was not counted" in verification.unchecked["I15"]
