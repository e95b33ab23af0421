"""Docker or not: what `make up` chooses and says, with a `docker` command that answers as Docker
does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.docker.compose import HEALTH, Compose, NoDocker, containers
from deploy.local.run_directory import RunDirectory
from deploy.local.services import processes_of
from deploy.local.stack import ROOT
from deploy.local.terminal import Terminal

ANSWERS = '[ "$1" = version ] && { echo 27.3.1; exit 0; }\n'


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


def found() -> Compose:
    return Compose.found(RunDirectory(Path("/nowhere")), Terminal())


def test_no_docker_command(programs: Path) -> None:
    with pytest.raises(NoDocker, match="there is no docker command here"):
        found()


def test_the_plugin_goes_before_the_program_of_yesterday(programs: Path) -> None:
    make(programs, "docker", ANSWERS + '[ "$1" = compose ] && { echo v2.29.7; exit 0; }')
    make(programs, "docker-compose", "echo 1.29.2")
    assert (found().call, found().version) == (("docker", "compose"), "2.29.7")


def test_the_program_of_yesterday(programs: Path) -> None:
    make(programs, "docker", ANSWERS + "echo 'unknown flag: --short' >&2; exit 125")
    make(programs, "docker-compose", "echo 1.29.2")
    assert (found().call, found().version) == (("docker-compose",), "1.29.2")


def test_no_compose(programs: Path) -> None:
    make(programs, "docker", ANSWERS + "exit 125")
    with pytest.raises(NoDocker, match="has no Compose"):
        found()


def test_no_engine_and_no_right_to_it(programs: Path) -> None:
    make(
        programs,
        "docker",
        "echo 'Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?' "
        ">&2; exit 1",
    )
    with pytest.raises(NoDocker, match="no Docker engine answers"):
        found()
    make(
        programs,
        "docker",
        "echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1",
    )
    with pytest.raises(NoDocker, match="closed to this user"):
        found()


def test_an_engine_that_never_answers_is_given_up(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(programs, "docker", "exec /bin/sleep 60")
    monkeypatch.setattr("deploy.docker.compose.ANSWER_SECONDS", 0.2)
    with pytest.raises(NoDocker):
        found()


@pytest.mark.parametrize(
    ("stack", "says"),
    [
        ("docker", "STACK=docker, but there is no docker command here."),
        ("podman", "there are STACK=docker"),
    ],
)
def test_what_cannot_be_had_is_said(tmp_path: Path, stack: str, says: str) -> None:
    environment = {**os.environ, "PATH": str(tmp_path), "STACK": stack}
    command = [sys.executable, "-m", "deploy", "--run-dir", str(tmp_path / "run"), "up"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, says in done.stdout) == (1, True), done.stdout


def test_a_quote_that_does_not_end_is_told(tmp_path: Path) -> None:
    words = ["manage", "order", "redrive 1 --reason it's-fixed"]
    command = [sys.executable, "-m", "deploy", "--run-dir", str(tmp_path / "run"), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, ""), done.stderr
    assert "No closing quotation" in done.stdout


def test_the_targets_mean_what_was_started_here(programs: Path, tmp_path: Path) -> None:
    """In containers `make stop service=` is Compose's, for all containers of the service."""
    run, called = tmp_path / "run", tmp_path / "called"
    run.mkdir()
    (run / "stack.env").write_text("STACK=docker\n")
    make(
        programs,
        "docker",
        ANSWERS + f'[ "$2" = version ] && {{ echo 2.29.7; exit 0; }}\necho "$*" >> {called}',
    )
    command = [sys.executable, "-m", "deploy", "--run-dir", str(run)]
    for arguments in (
        ["stop", "inventory"],
        ["manage", "shipping", "republish --since 2h --dry-run"],
        ["down"],
    ):
        assert subprocess.run([*command, *arguments], cwd=ROOT, check=False).returncode == 0
    assert called.read_text().splitlines() == [
        f"compose stop {' '.join(processes_of('inventory'))}",
        "compose run --rm --no-deps prepare shipping republish --since 2h --dry-run",
        "compose down --remove-orphans",
    ]


def test_what_is_started_is_ready_when_the_target_returns(programs: Path, tmp_path: Path) -> None:
    """Docker takes connections for a container that does not listen yet, and resets them."""
    run, called, asked = tmp_path / "run", tmp_path / "called", tmp_path / "asked"
    run.mkdir()
    (run / "stack.env").write_text("STACK=docker\n")
    make(
        programs,
        "docker",
        ANSWERS
        + f"""[ "$2" = version ] && {{ echo 2.29.7; exit 0; }}
        [ "$2" = ps ] && {{ echo one two; exit 0; }}
        echo "$*" >> {called}
        [ "$1" = inspect ] || exit 0
        [ -e {asked} ] && {{ echo healthy; exit 0; }}
        : > {asked}
        echo starting""",
    )
    command = [sys.executable, "-m", "deploy", "--run-dir", str(run), "start", "order"]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    asks = f"inspect --format {HEALTH} one two"
    assert called.read_text().splitlines() == [
        f"compose start {' '.join(processes_of('order'))}",
        asks,
        asks,
    ]


def test_names_that_people_use() -> None:
    assert containers("postgres") == ["order-postgres", "inventory-postgres", "shipping-postgres"]
    assert containers("order") == processes_of("order")
