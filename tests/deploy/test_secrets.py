"""What is secret: drawn once, and each container has what it needs and nothing of another."""

from __future__ import annotations

import subprocess
from collections import defaultdict

from kombu.connection import Connection
from psycopg.conninfo import conninfo_to_dict

from deploy.docker import secrets
from deploy.local.environment import Environment
from deploy.local.passwords import Passwords
from deploy.local.ports import Ports
from deploy.local.processes import Catalogue
from deploy.local.run_directory import RunDirectory, variables_of
from deploy.local.services import SERVICES
from tests.deploy.containers import CONTAINERS, DATABASES, drawn, mounted


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
