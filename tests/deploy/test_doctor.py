"""The doctor works before anything is installed, and finds what is wrong."""

from __future__ import annotations

import ast
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.local.ports import Ports
from deploy.local.stack import ROOT

OLDEST = (3, 8)
# -S: without site-packages. The interpreter of .venv finds no installed package then.
BARE = [sys.executable, "-S"]


def doctor(run_dir: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    ports = {name: str(port) for name, port in Ports.free().by_variable().items()}
    command: Sequence[str] = [*BARE, "-m", "deploy.doctor", "--run-dir", str(run_dir)]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "STACK": "native", **ports, **variables}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_all_is_well_without_any_package(tmp_path: Path) -> None:
    # When
    done = doctor(tmp_path)

    # Then
    assert done.stderr == ""
    assert "make doctor: `make up` will work" in done.stdout
    assert done.returncode == 0


def test_what_it_imports_can_be_read_by_an_old_python() -> None:
    # Given
    ask = "import sys, deploy.doctor.__main__; print(*[m.__file__ for n, m in sys.modules.items() if n.startswith('deploy') and m.__file__])"
    files = subprocess.run([*BARE, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()

    # Then
    assert len(files) > 10
    for file in files:
        ast.parse(Path(file).read_text(), file, feature_version=OLDEST)
        assert "from __future__ import annotations" in Path(file).read_text() or "import" not in Path(file).read_text().split('"""')[-1]


def test_a_port_that_is_taken_is_named_with_its_holder_and_the_variable(tmp_path: Path) -> None:
    # Given
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        # When
        done = doctor(tmp_path, ORDER_PORT=str(port))

    # Then
    assert f"✗ Port {port} is taken by " in done.stdout
    assert f"(pid {os.getpid()})  → choose another: make up ORDER_PORT=" in done.stdout
    assert "make doctor: 1 to mend before `make up` can work" in done.stdout
    assert done.returncode == 1


def test_a_port_that_is_no_number_is_wrong(tmp_path: Path) -> None:
    done = doctor(tmp_path, FLOWER_PORT="five")

    assert "✗ FLOWER_PORT=five is not a port number (1 to 65535)" in done.stdout
    assert done.returncode == 1


def test_a_cluster_of_a_version_that_is_gone_is_wrong_and_a_half_made_one_is_not(tmp_path: Path) -> None:
    # Given
    data = tmp_path / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("7\n")
    (tmp_path / "postgres" / "data.new").mkdir()

    # When
    done = doctor(tmp_path)

    # Then
    assert "was made by PostgreSQL 7, which is not installed any more  → Install postgresql-7, or delete all data with: make reset" in done.stdout
    assert "! an earlier run was interrupted while it made the database cluster" in done.stdout
    assert done.returncode == 1


def with_docker(folder: Path, ids: str) -> dict[str, str]:
    """The variables under which a `docker` is found that has all images but RabbitMQ's, and runs one container for each of `ids`."""
    one = '{"Id": "a", "State": {"Status": "running", "Running": true, "StartedAt": "2026-01-01T00:00:00Z", "Pid": 7, "ExitCode": 0},'
    one += ' "RestartCount": 0, "Config": {"Labels": {"com.docker.compose.service": "order-web"}}}'
    folder.mkdir()
    program = folder / "docker"
    program.write_text(f"""#!/bin/sh
case "$*" in
"version "*) echo 27.3.1;;
"compose version --short") echo v2.29.7;;
"image inspect rabbitmq"*) exit 1;;
"image inspect "*) ;;
"ps "*) echo {ids};;
"inspect "*) echo '[{one}]';;
*) exit 125;;
esac
""")
    program.chmod(0o755)
    published = {f"{service.upper()}_POSTGRES_PORT": str(port) for service, port in Ports.free().web.items()}
    return {"PATH": f"{folder}:{os.environ['PATH']}", "STACK": "", **published}


def test_where_an_engine_answers_it_looks_at_the_images_and_at_the_ports_of_the_containers(tmp_path: Path) -> None:
    # Given
    variables = with_docker(tmp_path / "bin", ids="")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        # When
        done = doctor(tmp_path / "run", **{**variables, "ORDER_POSTGRES_PORT": str(port)})

    # Then
    assert "✓ In containers: Docker 27.3.1 answers, with docker compose 2.29.7" in done.stdout
    assert "! images that are not here yet: rabbitmq:4.0-management  → `make up` pulls them" in done.stdout
    assert "→ choose another: make up ORDER_POSTGRES_PORT=" in done.stdout
    assert "erlang" not in done.stdout.lower()
    assert done.returncode == 1


def test_the_ports_of_containers_that_run_already_are_not_held_against_them(tmp_path: Path) -> None:
    # Given
    variables = with_docker(tmp_path / "bin", ids="a")
    with socket.create_server(("127.0.0.1", 0)) as server:
        # When
        done = doctor(tmp_path / "run", **{**variables, "ORDER_PORT": str(server.getsockname()[1])})

    # Then
    assert "! its containers run already  → `make up` takes them over" in done.stdout
    assert done.returncode == 0


def test_an_engine_that_was_asked_for_and_does_not_answer_is_wrong(tmp_path: Path) -> None:
    # Given
    (tmp_path / "docker").write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon at unix:///x. Is the docker daemon up' >&2\nexit 1\n")
    (tmp_path / "docker").chmod(0o755)

    # When
    done = doctor(tmp_path / "run", PATH=f"{tmp_path}:{os.environ['PATH']}", STACK="docker")

    # Then
    assert "✗ STACK=docker, but there is a docker command and no engine that answers: Cannot connect to the Docker daemon at unix:///x" in done.stdout
    assert done.returncode == 1
