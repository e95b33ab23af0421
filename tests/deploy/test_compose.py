"""compose.yaml and the stack without Docker are one shop: the same processes, commands and
variables, and what every container must be."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.docker import places
from deploy.docker.compose import containers
from deploy.local.ports import HOST, WEB, Ports, variable
from deploy.local.postgres import CONFIGURATION, SUPERUSER
from deploy.local.processes import Catalogue
from deploy.local.run_directory import RunDirectory
from deploy.local.services import SERVICES, processes_of
from tests.deploy.containers import ALL, COMPOSE, CONTAINERS, DATABASES, ROOT, WATCHING, drawn

EVERYWHERE = "0.0.0.0"  # noqa: S104
OURS = sorted(name for name, container in CONTAINERS.items() if container["image"] == "polder")
ENTRYPOINT = json.loads(
    re.findall(r"^ENTRYPOINT (.*)$", (ROOT / "deploy/docker/Dockerfile").read_text(), re.MULTILINE)[
        0
    ]
)
SETTINGS = dict(re.findall(r"^(\w+) = '(.*?)'", CONFIGURATION.read_text(), re.MULTILINE))
IMAGE = r"polder|\w+:[\w.]+-[\w.-]+|\w+/\w+:v?\d+\.\d+\.\d+"
ONE_SHOTS = ("secrets", "prepare")
# Smaller than natively, where one server serves all services.
OF_ONE_SERVICE = {"max_connections", "shared_buffers"}


def whole_command(container: dict[str, Any]) -> list[str]:
    words = container.get("entrypoint", ENTRYPOINT)
    assert words[:2] == ENTRYPOINT[:2], "it reads its variables first"
    return [*words[2:], *container["command"]]


def test_every_process_is_a_container_with_the_same_command(native: Catalogue) -> None:
    expected = {}
    for spec in native.all():
        port = "5555" if spec.name == "flower" else "8000"
        # Within its container a process listens on every address; only compose.yaml's ports say who
        # may come in.
        words = [
            re.sub(r":\d+$", f":{port}", word.replace(HOST, EVERYWHERE))
            for word in spec.command[1:]
        ]
        expected[spec.name] = ["python", *words]
    found = {name: whole_command(CONTAINERS[name]) for name in OURS if name not in ONE_SHOTS}
    assert found == expected


def test_the_make_targets_know_every_container() -> None:
    assert all(containers(name) == [name] for name in set(CONTAINERS) - set(ONE_SHOTS))


@pytest.mark.parametrize("name", OURS)
def test_our_containers_can_do_little(name: str) -> None:
    container = CONTAINERS[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["init"] is True
    assert container["mem_limit"]
    assert container["pids_limit"]
    assert container["pull_policy"] == "never", (
        "it is built here; nobody else's image of that name may take its place"
    )


@pytest.mark.parametrize("name", sorted(set(CONTAINERS) - set(ONE_SHOTS)))
def test_containers_restart_and_show_their_health(name: str) -> None:
    assert CONTAINERS[name]["restart"] == "unless-stopped"
    assert CONTAINERS[name]["healthcheck"]["test"]
    assert CONTAINERS[name]["stop_grace_period"]
    assert CONTAINERS[name]["logging"]["options"]["max-size"]


def test_the_image_is_nobodys() -> None:
    lines = (ROOT / "deploy/docker/Dockerfile").read_text().splitlines()
    assert "USER 10001:10001" in lines
    assert "chmod -R u=rwX,go=rX" in "\n".join(lines), "whatever the umask of whoever cloned"
    assert not [
        volume
        for container in ALL.values()
        for volume in container.get("volumes", [])
        if volume.startswith((".", "/"))
    ]
    assert "--require-hashes" in "\n".join(lines)
    assert all("uid=10001,gid=10001" in CONTAINERS[name]["tmpfs"][0] for name in OURS)


def test_ports_are_published_on_this_machine_only_under_their_variables() -> None:
    published = {}
    for name, container in CONTAINERS.items():
        for port in container.get("ports", []):
            name_of_it, default, inside = re.fullmatch(
                r"127\.0\.0\.1:\$\{(\w+):-(\d+)\}:(\d+)", port
            ).groups()
            published[name_of_it] = (int(default), f"{name}:{inside}")
    expected = {
        variable(name): (default, places.INSIDE[name]) for name, default in places.PUBLISHED.items()
    }
    assert published == expected
    assert {port for port, _ in published.values()} >= set(WEB.values())


def test_no_default_port_can_be_taken_by_an_outgoing_connection() -> None:
    """Linux draws those from 32768 up; one that happens to be there keeps the port until a minute
    after its end."""
    native, in_containers = Ports.from_environment({}), places.published({})
    assert all(port < 32768 for port in [*native.values(), *in_containers.values()])


def test_only_a_service_and_the_preparation_reach_its_database() -> None:
    for service in SERVICES:
        there = {
            name
            for name, container in CONTAINERS.items()
            if service in container.get("networks", [])
        }
        assert there == {f"{service}-postgres", *processes_of(service), "prepare"}


def test_postgres_runs_with_the_settings_it_has_without_docker() -> None:
    for service in SERVICES:
        container = CONTAINERS[f"{service}-postgres"]
        settings = dict(
            option.removeprefix("-c").split("=", 1) for option in container["command"][1:]
        )
        assert {name: value for name, value in settings.items() if name not in OF_ONE_SERVICE} == {
            name: SETTINGS[name] for name in settings if name not in OF_ONE_SERVICE
        }
        assert container["environment"]["POSTGRES_USER"] == SUPERUSER
        assert container["environment"]["POSTGRES_PASSWORD_FILE"] == "/secrets/password"


def test_nothing_starts_before_it_is_prepared() -> None:
    """Every queue is there before the first event; and somebody waits for the one-shot's end, else
    `up --wait` takes it for a failure."""
    for name in set(OURS) - set(ONE_SHOTS):
        assert CONTAINERS[name]["depends_on"] == {
            "prepare": {"condition": "service_completed_successfully"}
        }
    servers = [*DATABASES, "rabbitmq"]
    drawn = {"secrets": {"condition": "service_completed_successfully"}}
    assert (
        CONTAINERS["prepare"]["depends_on"]
        == {server: {"condition": "service_healthy"} for server in servers} | drawn
    )
    assert all(CONTAINERS[server]["depends_on"] == drawn for server in servers)


def test_the_file_follows_the_specification() -> None:
    assert "version" not in COMPOSE
    used = {
        volume.split(":")[0]
        for container in ALL.values()
        for volume in container.get("volumes", [])
    }
    assert set(COMPOSE["volumes"]) == used
    assert "env_file" not in str(COMPOSE), "a fresh clone has none"
    shown = CONTAINERS["secrets"]["environment"]
    defaults = places.published({}).by_variable()
    assert shown == {name: f"${{{name}:-{default}}}" for name, default in defaults.items()}
    assert all(re.fullmatch(IMAGE, container["image"]) for container in ALL.values())


def test_who_watches_can_do_little_and_is_seen_here_only() -> None:
    assert set(WATCHING) == {"prometheus", "alertmanager", "grafana"}
    for container in WATCHING.values():
        assert container["read_only"] is True
        assert container["cap_drop"] == ["ALL"]
        assert container["mem_limit"]
        assert container["pids_limit"]
        assert container["healthcheck"]["test"]
        assert all(port.startswith("127.0.0.1:${") for port in container["ports"])


def test_who_watches_finds_its_settings(run: RunDirectory) -> None:
    # Given the volume as `secrets` writes it, at its place in the containers
    settings = drawn(run) / "monitoring"
    named = re.findall(r"/monitoring/([\w./-]+)", str(WATCHING) + _texts(settings))

    # Then each file and folder that is named there is there
    assert {(settings / name).exists() for name in named} == {True}
    assert (run.root / "drawn/grafana/password").read_text()
    # And Prometheus asks every service and the broker, by the names that containers have
    said = yaml.safe_load((settings / "prometheus/prometheus.yml").read_text())
    asked = {
        target.partition(":")[0]
        for job in said["scrape_configs"]
        for group in job["static_configs"]
        for target in group["targets"]
    }
    assert asked == {*(f"{service}-web" for service in SERVICES), "rabbitmq"}
    assert {*SERVICES, "broker"} <= set(WATCHING["prometheus"]["networks"])


def _texts(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.rglob("*.yml"))
