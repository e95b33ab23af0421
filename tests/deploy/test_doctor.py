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
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", **ports, **variables}
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
