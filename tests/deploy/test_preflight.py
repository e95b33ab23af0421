"""What is in the way of `make up` is said before anything is started, all of it at once, each with
what to do."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from deploy.local import packages, preflight
from deploy.local.errors import PolderError
from deploy.local.passwords import Passwords
from deploy.local.ports import HOST, Ports
from deploy.local.run_directory import RunDirectory, lines_of, variables_of


def test_a_taken_port_is_named_with_its_holder_and_its_variable(run: RunDirectory) -> None:
    ports = Ports.free()
    with socket.create_server((HOST, ports["order"])), pytest.raises(PolderError) as said:
        preflight.check(run, Ports({**ports, "flower": ports["rabbitmq"]}))
    assert f"Port {ports['order']} is taken by " in str(said.value)
    assert f"make up ORDER_PORT={ports['order'] + 10}" in str(said.value)
    assert f"Port {ports['rabbitmq']} is given to both" in str(said.value)


def test_a_full_disk(run: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "free_megabytes", lambda folder: 60)
    with pytest.raises(PolderError, match=r"60 MB are free .* and 350 MB are needed"):
        preflight.check(run, Ports.free())


def test_data_without_its_passwords(run: RunDirectory) -> None:
    (run.postgres / "data").mkdir(parents=True)
    with pytest.raises(PolderError, match=r"passwords.json, are not. Bring that file back"):
        preflight.check(run, Ports.free())


def test_no_shared_memory(
    run: RunDirectory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(preflight, "SHARED_MEMORY", tmp_path / "none")
    with pytest.raises(PolderError, match="is missing or cannot be written, and Celery's workers"):
        preflight.check(run, Ports.free())


def test_missing_packages_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "missing_packages", lambda: ["rabbitmq-server"])
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert packages.lack_of_packages().endswith(
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends rabbitmq-server"
    )


@pytest.mark.parametrize(
    ("made", "installed", "readable"),
    [
        ("3.10", (4, 0), False),
        ("3.10", (3, 11), True),
        ("3.13", (4, 1), True),
        ("4.0", (3, 10), False),
        ("3.10", (3, 10), True),
        ("3.9", (3, 11), False),
    ],
)
def test_data_of_another_rabbitmq(
    run: RunDirectory,
    monkeypatch: pytest.MonkeyPatch,
    made: str,
    installed: tuple[int, int],
    readable: bool,
) -> None:
    monkeypatch.setattr(preflight, "rabbitmq_version", lambda: installed)
    run.rabbitmq.mkdir()
    (run.rabbitmq / "version").write_text(made)
    said = preflight.other_rabbitmq(run)
    assert readable == (said == "")
    assert readable or f"made by RabbitMQ {made}; " in said


def test_a_shell_reads_the_variables_to_the_letter(tmp_path: Path) -> None:
    strange = {"A": "$HOME `id` 'single' \"double\"", "B": "p#; &\\", "C": ""}
    (tmp_path / "stack.env").write_text(lines_of(strange))
    assert variables_of(tmp_path / "stack.env") == strange


def test_passwords_of_a_spoiled_file_are_never_drawn_anew(run: RunDirectory) -> None:
    for spoiled in ("{", "[]", '{"admin": 1}'):
        run.passwords.write_text(spoiled)
        with pytest.raises(PolderError, match="was spoiled"):
            Passwords(run.passwords)["admin"]
        assert run.passwords.read_text() == spoiled
