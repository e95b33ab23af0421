"""compose.yaml and the stack without Docker are one shop: the same processes, commands and variables, and what every container must be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.docker import catalogue, files, places
from deploy.local.catalogue import Catalogue
from deploy.local.environment import Environment
from deploy.local.passwords import Passwords
from deploy.local.ports import HOST, Ports
from deploy.local.postgres import SETTINGS, SUPERUSER
from deploy.local.run_directory import RunDirectory
from deploy.local.services import SERVICES

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "${POLDER_FILES:-./.run/docker}/"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
EVERYWHERE = "0.0.0.0"  # noqa: S104
OURS = sorted(name for name, container in CONTAINERS.items() if container["image"] == "polder")
# Smaller than natively, where one server serves all services.
OF_ONE_SERVICE = {"max_connections", "shared_buffers"}


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory(tmp_path)


@pytest.fixture
def native(run: RunDirectory) -> Catalogue:
    ports = Ports.from_environment({})
    return Catalogue(Environment(run, ports.addresses(), Passwords(run.passwords), SERVICES), ports, ROOT)


def whole_command(container: dict[str, Any]) -> list[str]:
    return [*container.get("entrypoint", ["python", "manage.py"]), *container["command"]]


def test_every_process_is_a_container_with_the_same_command(native: Catalogue) -> None:
    expected = {}
    for spec in native.all():
        port = "5555" if spec.name == "flower" else "8000"
        # Within its container a process listens on every address; only compose.yaml's ports say who may come in.
        words = [re.sub(r":\d+$", f":{port}", word.replace(HOST, EVERYWHERE)) for word in spec.command[1:]]
        expected[spec.name] = ["python", *words]
    found = {name: whole_command(CONTAINERS[name]) for name in OURS if name != catalogue.ONE_SHOT}
    assert found == expected


def test_the_make_targets_know_every_container() -> None:
    assert {name for names in catalogue.names().values() for name in names} == set(CONTAINERS) - {catalogue.ONE_SHOT}


def test_each_process_gets_the_variables_it_gets_without_docker(run: RunDirectory, native: Catalogue) -> None:
    """The same names; other addresses. What every process gets alike is in the image."""
    written = files.env_files(files.inside(run, Passwords(run.passwords)))
    alike = set(native.environment.common())
    for spec in native.all():
        assert CONTAINERS[spec.name]["env_file"] == f"{FOLDER}{spec.group}.env"
        assert set(written[spec.group]) == set(spec.environment) - alike
        assert "environment" not in CONTAINERS[spec.name]


def test_no_service_gets_a_password_of_another(run: RunDirectory) -> None:
    passwords = Passwords(run.passwords)
    written = files.env_files(files.inside(run, passwords))
    for service in SERVICES:
        others = [passwords[f"{other} {kind}"] for other in SERVICES if other != service for kind in ("app", "ddl", "amqp", "secret key", "postgres")]
        own = [passwords[f"{service} ddl"], passwords[f"{service} postgres"], passwords["admin"]]
        assert not [secret for secret in [*others, *own] if secret in str(written[service])]


def test_written_files_are_for_their_owner_and_plain_enough_for_every_reader(run: RunDirectory) -> None:
    files.write_files(run, {})
    before = {path: path.read_text() for path in (run.root / "docker").iterdir()}
    files.write_files(run, {})
    assert before == {path: path.read_text() for path in (run.root / "docker").iterdir()}, "a second time keeps the passwords"
    for path, text in [*before.items(), (run.stack_env, run.stack_env.read_text())]:
        assert path.stat().st_mode & 0o777 == 0o600
        assert not set(text) & set("'\"$\\# "), f"{path.name} needs no quoting: readers of env files differ in it"
    assert run.stack_env.read_text().startswith("STACK=docker\n")


@pytest.mark.parametrize("name", OURS)
def test_our_containers_can_do_little(name: str) -> None:
    container = CONTAINERS[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["init"] is True
    assert container["mem_limit"]
    assert container["pids_limit"]
    assert container["pull_policy"] == "never", "it is built here; nobody else's image of that name may take its place"


@pytest.mark.parametrize("name", sorted(set(CONTAINERS) - {catalogue.ONE_SHOT}))
def test_containers_restart_and_show_their_health(name: str) -> None:
    assert CONTAINERS[name]["restart"] == "unless-stopped"
    assert CONTAINERS[name]["healthcheck"]["test"]
    assert CONTAINERS[name]["stop_grace_period"]
    assert CONTAINERS[name]["logging"]["options"]["max-size"]


def test_the_image_is_nobodys() -> None:
    lines = (ROOT / "deploy/docker/Dockerfile").read_text().splitlines()
    assert "USER 10001:10001" in lines
    assert "--require-hashes" in "\n".join(lines)
    assert all("uid=10001,gid=10001" in CONTAINERS[name]["tmpfs"][0] for name in OURS)


def test_ports_are_published_on_this_machine_only_under_their_variables() -> None:
    published = {}
    for name, container in CONTAINERS.items():
        for port in container.get("ports", []):
            variable, default, inside = re.fullmatch(r"127\.0\.0\.1:\$\{(\w+):-(\d+)\}:(\d+)", port).groups()
            published[variable] = (int(default), f"{name}:{inside}")
    expected = {variable: (default, places.INSIDE[name]) for name, (variable, default) in places.PUBLISHED.items()}
    assert published == expected
    assert {port for port, _ in published.values()} >= set(Ports.from_environment({}).web.values())


def test_no_default_port_can_be_taken_by_an_outgoing_connection() -> None:
    """Linux draws those from 32768 up; one that happens to be there keeps the port until a minute after its end."""
    native = Ports.from_environment({}).by_variable()
    in_containers = places.published_ports({})
    assert all(port < 32768 for port in [*native.values(), *in_containers.values()])


def test_only_a_service_and_the_preparation_reach_its_database() -> None:
    for service in SERVICES:
        there = {name for name, container in CONTAINERS.items() if service in container["networks"]}
        assert there == {f"{service}-postgres", *catalogue.PROCESSES[service], catalogue.ONE_SHOT}


def test_postgres_runs_with_the_settings_it_has_without_docker() -> None:
    for service in SERVICES:
        container = CONTAINERS[f"{service}-postgres"]
        settings = dict(option.removeprefix("-c").split("=", 1) for option in container["command"][1:])
        assert {name: value for name, value in settings.items() if name not in OF_ONE_SERVICE} == {
            name: SETTINGS[name] for name in settings if name not in OF_ONE_SERVICE
        }
        assert container["environment"]["POSTGRES_USER"] == SUPERUSER
        assert container["secrets"] == [{"source": f"{service}-postgres", "target": "postgres"}]


def test_nothing_starts_before_it_is_prepared() -> None:
    """Every queue is there before the first event; and somebody waits for the one-shot's end, else `up --wait` takes it for a failure."""
    for name in OURS:
        if name != catalogue.ONE_SHOT:
            assert CONTAINERS[name]["depends_on"] == {catalogue.ONE_SHOT: {"condition": "service_completed_successfully"}}
    servers = {*catalogue.DATABASES, "rabbitmq"}
    assert CONTAINERS[catalogue.ONE_SHOT]["depends_on"] == {server: {"condition": "service_healthy"} for server in servers}


def test_the_file_follows_the_specification() -> None:
    assert "version" not in COMPOSE
    assert set(COMPOSE["volumes"]) == {*catalogue.DATABASES, "rabbitmq"}
    for secret, where in COMPOSE["secrets"].items():
        assert where == {"file": f"{FOLDER}{secret}.password"}
    assert all(re.fullmatch(r"polder|\w+:[\w.]+-[\w.-]+", container["image"]) for container in CONTAINERS.values())
