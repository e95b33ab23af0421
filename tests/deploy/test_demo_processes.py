"""What the demo asks of Docker Compose, whichever of the two there is. Of the commands only: no engine answers here."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.errors import DemoFailed
from demo.processes import Compose, Native, processes_of
from demo.stack_env import read_stack_env

PARTS = "inventory-web inventory-worker inventory-housekeeper inventory-relay inventory-beat"
RECORD = '#!/bin/sh\necho "$(basename "$0") $*" >> "{log}"\n{then}\n'


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in for what is on the PATH: programs that note how they were called."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "called.txt"


def program(commands: Path, name: str, then: str = "exit 0") -> None:
    path = commands.parent / name
    path.write_text(RECORD.format(log=commands, then=then))
    path.chmod(0o755)


def called(commands: Path) -> list[str]:
    return [line for line in commands.read_text().splitlines() if not line.endswith("compose version")]


def test_the_plugin_stops_and_starts_all_processes_of_a_service(commands: Path) -> None:
    program(commands, "docker")
    compose = processes_of(commands.parent, {"STACK": "docker"})
    assert isinstance(compose, Compose)

    compose.stop("inventory")
    compose.start("inventory", "order-relay")

    assert called(commands) == [f"docker compose stop {PARTS}", f"docker compose start {PARTS} order-relay"]


def test_compose_1_is_a_program_of_its_own(commands: Path) -> None:
    program(commands, "docker", then="exit 1")
    program(commands, "docker-compose")

    Compose({}).stop("inventory")

    assert called(commands) == [f"docker-compose stop {PARTS}"]


def test_what_does_not_run_is_found(commands: Path) -> None:
    program(commands, "docker", then="printf 'order-web\\norder-worker\\nsome-other\\n'")

    stopped = Compose({}).stopped()

    assert "order-web" not in stopped
    assert set(PARTS.split()) < set(stopped)


def test_a_failure_is_told_with_its_output(commands: Path) -> None:
    program(commands, "docker", then="[ $2 = version ] && exit 0; echo 'no such service' >&2; exit 3")

    with pytest.raises(DemoFailed, match=r"(?s)stop inventory-web.*status 3.*no such service"):
        Compose({}).stop("inventory")


def test_without_a_word_it_is_the_native_stack(tmp_path: Path) -> None:
    (tmp_path / "stack.env").write_text("ORDER_URL=http://127.0.0.1:8001\nADMIN_PASSWORD='a b'\n")
    variables = read_stack_env(tmp_path)

    assert variables == {"ORDER_URL": "http://127.0.0.1:8001", "ADMIN_PASSWORD": "a b"}
    assert isinstance(processes_of(tmp_path, variables), Native)
    assert not processes_of(tmp_path, variables).running()
