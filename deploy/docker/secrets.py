"""`python -m deploy.docker.secrets`: draws what is secret, into a volume for each container, as the
first of all containers.

What is there is kept. `show` prints what people and scripts on this machine need to know, with the
published ports.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.docker.places import INSIDE, published
from deploy.local.environment import ADMIN_USER, VHOST, Environment
from deploy.local.passwords import Passwords
from deploy.local.run_directory import lines_of, write_private
from deploy.local.services import SERVICES

DRAWN = Path("/drawn")  # a volume in each of its folders
RUN = Path("/run/polder")
DEPLOY = Path(__file__).resolve().parents[1]
RABBITMQ_CONF = Path(__file__).with_name("rabbitmq.conf")


def inside(passwords: Mapping[str, str]) -> Environment:
    return Environment(INSIDE, passwords, SERVICES)


def files(passwords: Mapping[str, str]) -> dict[str, str]:
    """What lies in the volumes, by folder and name: one folder for each kind of container, and
    nobody else's secrets in it."""
    environment = inside(passwords)
    rabbitmq = {
        "RABBITMQ_DEFAULT_USER": ADMIN_USER,
        "RABBITMQ_DEFAULT_PASS": passwords["rabbitmq admin"],
        "RABBITMQ_DEFAULT_VHOST": VHOST,
    }
    found = {
        "flower/env": lines_of(environment.of_flower()),
        "rabbitmq/env": lines_of(rabbitmq),
        "rabbitmq/rabbitmq.conf": RABBITMQ_CONF.read_text(),
        "grafana/password": passwords["grafana"],
        **settings_of_monitoring(),
    }
    for service in SERVICES:
        found[f"{service}/env"] = lines_of(environment.of_service(service))
        found[f"{service}-postgres/password"] = passwords[f"{service} postgres"]
    return found


def settings_of_monitoring() -> dict[str, str]:
    """Nothing secret: what Prometheus, Alertmanager and Grafana read."""
    return {
        f"monitoring/{path.relative_to(DEPLOY)}": path.read_text()
        for folder in ("prometheus", "grafana")
        for path in sorted((DEPLOY / folder).rglob("*"))
        if path.suffix in (".yml", ".json")
    }


def draw(drawn: Path) -> None:
    """May run any number of times, also while the shop runs."""
    passwords = Passwords(drawn / "all" / "passwords.json")
    # all that anybody will ask for, as only this container can write it down
    for service in SERVICES:
        for command in ("access", "topology", "migrate"):
            inside(passwords).of_command(service, command)
    for name, text in files(passwords).items():
        path = drawn / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # the servers read it as users of their own; nobody else has the volume
        write_private(path, text, 0o444)


def show(drawn: Path) -> str:
    passwords = Passwords(drawn / "all" / "passwords.json")
    environment = Environment(published(os.environ).addresses(), passwords, SERVICES)
    told = {"STACK": "docker"} | environment.of_stack()
    return lines_of(told | {"GRAFANA_PASSWORD": passwords["grafana"]})


if __name__ == "__main__":
    if sys.argv[1:] == ["show"]:
        print(show(DRAWN), end="")
    else:
        draw(DRAWN)
