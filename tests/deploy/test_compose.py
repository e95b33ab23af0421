"""compose.yaml and the stack without Docker are one shop: the same processes, commands and
variables, and what every container must be."""

from __future__ import annotations

import json
import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml
from kombu.connection import Connection
from psycopg.conninfo import conninfo_to_dict

from deploy.docker import places, secrets
from deploy.docker.compose import containers
from deploy.local.environment import Environment, common_of
from deploy.local.passwords import Passwords
from deploy.local.ports import HOST, WEB, Ports, variable
from deploy.local.postgres import CONFIGURATION, SUPERUSER
from deploy.local.processes import Catalogue
from deploy.local.run_directory import RunDirectory, variables_of
from deploy.local.services import SERVICES, processes_of

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
ALL: dict[str, dict[str, Any]] = COMPOSE["services"]
WATCHING = {name: one for name, one in ALL.items() if one.get("profiles") == ["observability"]}
CONTAINERS = {name: one for name, one in ALL.items() if name not in WATCHING}
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
DATABASES = [f"{service}-postgres" for service in SERVICES]
# Smaller than natively, where one server serves all services.
OF_ONE_SERVICE = {"max_connections", "shared_buffers"}


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    run = RunDirectory(tmp_path)
    run.create()
    return run


@pytest.fixture
def native(run: RunDirectory) -> Catalogue:
    ports = Ports.from_environment({})
    passwords, common = Passwords(run.passwords), common_of(run.root)
    return Catalogue(Environment(ports.addresses(), passwords, SERVICES, common), ports, ROOT)


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


def drawn(run: RunDirectory) -> Path:
    folder = run.root / "drawn"
    for name in ["all", "rabbitmq", "flower", "grafana", *SERVICES, *DATABASES]:
        (folder / name).mkdir(parents=True, exist_ok=True)
    secrets.draw(folder)
    return folder


def mounted(name: str) -> str:
    """Which of the drawn folders a container sees."""
    [volume] = [volume for volume in CONTAINERS[name]["volumes"] if volume.endswith(":/secrets:ro")]
    places = {one.split(":")[0]: one.split(":")[1] for one in CONTAINERS["secrets"]["volumes"]}
    return places[volume.split(":")[0]].removeprefix("/drawn/")


def test_each_process_gets_the_variables_it_gets_without_docker(
    run: RunDirectory, native: Catalogue
) -> None:
    """The same names; other addresses. What every process gets alike is in the image."""
    folder = drawn(run)
    alike = set(native.environment.common)
    for spec in native.all():
        assert mounted(spec.name) == spec.group
        assert set(variables_of(folder / spec.group / "env")) == set(spec.environment) - alike
        assert "environment" not in CONTAINERS[spec.name]


def test_no_container_gets_a_password_of_another(run: RunDirectory) -> None:
    folder = drawn(run)
    passwords = Passwords(folder / "all" / "passwords.json")
    for service in SERVICES:
        others = [
            passwords[f"{other} {kind}"]
            for other in SERVICES
            if other != service
            for kind in ("app", "ddl", "amqp", "secret key", "postgres")
        ]
        own = [
            passwords[f"{service} ddl"],
            passwords[f"{service} postgres"],
            *(passwords[name] for name in ("admin", "flower", "rabbitmq admin")),
        ]
        assert not [
            secret for secret in [*others, *own] if secret in (folder / service / "env").read_text()
        ]
    assert [
        name for name in CONTAINERS if "secrets:/secrets:ro" in CONTAINERS[name]["volumes"]
    ] == ["prepare"]
    for name in DATABASES:
        assert (folder / mounted(name) / "password").read_text() == passwords[
            name.replace("-", " ")
        ]


def test_flower_and_rabbitmq_have_passwords_of_their_own(run: RunDirectory) -> None:
    passwords = Passwords(run.passwords)
    told = Environment(Ports.free().addresses(), passwords, SERVICES).of_stack()
    assert len({told["ADMIN_PASSWORD"], told["FLOWER_PASSWORD"], told["RABBITMQ_PASSWORD"]}) == 3
    assert told["RABBITMQ_PASSWORD"] in told["RABBITMQ_MANAGEMENT_URL"]


def test_what_is_drawn_is_kept_and_can_be_read_by_every_server(run: RunDirectory) -> None:
    folder = drawn(run)
    before = {path: path.read_text() for path in folder.rglob("*") if path.is_file()}
    told = secrets.show(folder)
    drawn(run)
    assert before == {path: path.read_text() for path in folder.rglob("*") if path.is_file()}, (
        "nobody draws but `secrets`, and it once"
    )
    assert told == secrets.show(folder)
    assert told.startswith("STACK=docker\n")
    assert {path.stat().st_mode & 0o777 for path in before if path.parent.name != "all"} == {0o444}


def test_a_secret_of_any_characters_arrives(run: RunDirectory) -> None:
    strange = "p$HOME `id` 'a' \"b\" #;\\ @/:%"
    passwords = dict.fromkeys(
        ["flower", "flower amqp", "flower cookie", "rabbitmq admin", "order app"], strange
    )
    environment = secrets.inside(defaultdict(lambda: "x", passwords))
    for name, text in secrets.files(environment.passwords).items():
        (run.root / name).parent.mkdir(parents=True, exist_ok=True)
        (run.root / name).write_text(text)
    printed = subprocess.run(
        [
            "sh",
            "-c",
            f"set -a; . {run.root}/rabbitmq/env; . {run.root}/flower/env; . {run.root}/order/env; "
            "env -0",
        ],
        capture_output=True,
        check=True,
    )
    got = dict(one.split("=", 1) for one in printed.stdout.decode().split("\0") if one)
    assert got["RABBITMQ_DEFAULT_PASS"] == strange
    assert got["FLOWER_BASIC_AUTH"] == f"admin:{strange}"
    assert conninfo_to_dict(got["ORDER_DATABASE_URL"])["password"] == strange
    assert Connection(got["FLOWER_AMQP_URL"]).password == strange


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
