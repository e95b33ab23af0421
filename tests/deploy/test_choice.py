"""Docker or not: what `make up` chooses and says, with a `docker` command that answers as Docker does."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.choice import choose, recorded
from deploy.docker.secrets import FromVariables, as_variables, needed
from deploy.local.errors import PolderError
from deploy.local.passwords import Passwords
from deploy.local.run_directory import RunDirectory


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of its own, empty at first."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def make(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


ANSWERS = '[ "$1" = version ] && { echo 27.3.1; exit 0; }\n'


def test_no_docker_command(programs: Path) -> None:
    choice = choose({})
    assert choice.engine is None
    assert choice.reason == "Without Docker: there is no docker command here."


def test_an_engine_with_the_plugin(programs: Path) -> None:
    make(programs, "docker", ANSWERS + '[ "$1" = compose ] && { echo v2.29.7; exit 0; }')
    choice = choose({})
    assert choice.engine is not None
    assert choice.engine.compose == ("docker", "compose")
    assert choice.reason == "In containers: Docker 27.3.1 answers, with docker compose 2.29.7 (STACK=native does without)."


def test_the_plugin_goes_before_the_program_of_yesterday(programs: Path) -> None:
    make(programs, "docker", ANSWERS + '[ "$1" = compose ] && { echo 2.26.1-4; exit 0; }')
    make(programs, "docker-compose", "echo 1.29.2")
    choice = choose({"STACK": "docker"})
    assert choice.engine is not None
    assert choice.engine.compose == ("docker", "compose")
    assert choice.reason == "In containers: Docker 27.3.1 answers, with docker compose 2.26.1-4."


def test_an_engine_with_the_program_of_yesterday(programs: Path) -> None:
    make(programs, "docker", ANSWERS + "echo 'unknown flag: --short' >&2; exit 125")
    make(programs, "docker-compose", "echo 1.29.2")
    choice = choose({"STACK": "docker"})
    assert choice.engine is not None
    assert choice.engine.compose == ("docker-compose",)


@pytest.mark.parametrize(
    "unknown",
    [
        "unknown flag: --short\n\nUsage:  docker [OPTIONS]",
        "docker: 'compose' is not a docker command.",
        "docker: unknown command: docker compose",
    ],
)
def test_an_engine_without_compose_names_its_packages(programs: Path, unknown: str) -> None:
    make(programs, "docker", ANSWERS + f'echo "{unknown}\nFor more help on how to use Docker, head to its pages" >&2; exit 125')
    reason = choose({}).reason
    assert reason.startswith("Without Docker: Docker 27.3.1 answers, but has no Compose (it would be docker-compose-plugin")
    assert "more help" not in reason


def test_a_compose_that_does_not_work_tells_why(programs: Path) -> None:
    make(programs, "docker", ANSWERS + "echo 'unknown flag: --short' >&2; exit 125")
    make(programs, "docker-compose", "echo 'Traceback:\nModuleNotFoundError: No module named docker' >&2; exit 1")
    assert choose({}).reason.endswith("(`docker-compose` says: ModuleNotFoundError: No module named docker).")


def test_a_client_without_an_engine(programs: Path) -> None:
    make(programs, "docker", "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.' >&2; exit 1")
    choice = choose({})
    assert choice.engine is None
    assert "no engine that answers: Cannot connect to the Docker daemon" in choice.reason


def test_a_socket_that_is_closed_to_this_user(programs: Path) -> None:
    make(programs, "docker", "echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1")
    assert "its socket is closed to this user" in choose({}).reason


def test_an_engine_that_hangs(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.docker.engine.ANSWER_SECONDS", 0.2)
    make(programs, "docker", "exec /bin/sleep 60")
    assert "no answer within" in choose({}).reason


def test_what_is_asked_for_is_done_or_refused(programs: Path) -> None:
    with pytest.raises(PolderError, match="STACK=docker, but there is no docker command"):
        choose({"STACK": "docker"})
    with pytest.raises(PolderError, match="STACK=podman: there are"):
        choose({"STACK": "podman"})
    make(programs, "docker", ANSWERS + "echo v2.29.7")
    assert choose({"STACK": "native"}).engine is None


def test_what_runs_is_recorded_where_scripts_look(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    assert recorded(run) == "native"
    run.stack_env.write_text("STACK=docker\nORDER_URL=http://127.0.0.1:8001\n")
    assert recorded(run) == "docker"
    run.stack_env.write_text("STACK=native\n")
    assert recorded(run) == "native"


def test_passwords_survive_their_way_through_variables(tmp_path: Path) -> None:
    passwords = Passwords(tmp_path / "passwords.json")
    carried = FromVariables(as_variables(passwords))
    assert [carried[name] for name in needed()] == [passwords[name] for name in needed()]
    assert len(as_variables(passwords)) == len(list(needed()))
