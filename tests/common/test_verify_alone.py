"""`make verify` without a stack to verify; and what the checker may know of the code that it judges: nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from deploy.local.ports import Ports
from deploy.local.stack import ROOT

FOREIGN = "{'common', 'order_service', 'inventory_service', 'shipping_service', 'deploy', 'django'}"


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_checker_knows_nothing_of_the_code_that_it_judges() -> None:
    code = f"import sys, tests.verify.__main__; print({FOREIGN} & {{name.split('.')[0] for name in sys.modules}})"
    assert python("-c", code).stdout.strip() == "set()"


def test_without_a_stack_it_says_what_to_do(tmp_path: Path) -> None:
    run = python("-m", "tests.verify", "--env", str(tmp_path / "stack.env"))
    assert run.returncode == 2
    assert "Start a stack with `make up`" in run.stdout


def test_a_stack_that_does_not_answer_is_named(tmp_path: Path) -> None:
    # Given addresses at which nobody listens
    ports = Ports.free()
    variables = [f"{owner}_DATABASE_URL=postgres://u:secret@127.0.0.1:{ports.postgres}/polder" for owner in ("ORDER", "INVENTORY", "SHIPPING")]
    (tmp_path / "stack.env").write_text("\n".join([*variables, f"AMQP_URL=amqp://u:secret@127.0.0.1:{ports.rabbitmq}/polder"]))

    # When it is verified, Then each is named, and no password
    run = python("-m", "tests.verify", "--env", str(tmp_path / "stack.env"))
    assert run.returncode == 2
    assert f"Cannot reach the database of shipping at 127.0.0.1:{ports.postgres}/polder" in run.stdout
    assert f"Cannot reach the broker at 127.0.0.1:{ports.rabbitmq}/polder" in run.stdout
    assert "secret" not in run.stdout + run.stderr
