"""The files that compose.yaml reads, under `.run/docker/`, each readable by its owner only. Nothing of them is in the repository."""

from __future__ import annotations

from collections.abc import Mapping

from deploy.docker.places import INSIDE, published_addresses
from deploy.docker.secrets import as_variables
from deploy.local.environment import ADMIN_USER, VHOST, Environment
from deploy.local.passwords import Named, Passwords
from deploy.local.run_directory import RunDirectory, lines_of, write_private
from deploy.local.services import SERVICES


class Inside(Environment):
    """What a container gets. What is the same in every container is in the image."""

    def common(self) -> dict[str, str]:
        return {}


def inside(run: RunDirectory, passwords: Named) -> Environment:
    return Inside(run, INSIDE, passwords, SERVICES)


def outside(run: RunDirectory, passwords: Named, environ: Mapping[str, str]) -> Environment:
    """What people and tools on this machine get. Raises PortTaken for no port number."""
    return Environment(run, published_addresses(environ), passwords, SERVICES)


def write_files(run: RunDirectory, environ: Mapping[str, str]) -> None:
    """Passwords that are there are kept. May run any number of times, also while the shop runs. Raises PortTaken for no port number."""
    passwords = Passwords(run.passwords)
    folder = run.root / "docker"
    folder.mkdir(parents=True, exist_ok=True)
    for name, variables in env_files(inside(run, passwords)).items():
        write_private(folder / f"{name}.env", lines_of(variables))
    for service in SERVICES:
        write_private(folder / f"{service}-postgres.password", passwords[f"{service} postgres"])
    write_private(run.stack_env, lines_of({"STACK": "docker"} | outside(run, passwords, environ).of_stack()))


def env_files(environment: Environment) -> dict[str, dict[str, str]]:
    """The variables in each `env_file`: one for all processes of a service, and no other service's passwords in it."""
    return {
        **{service: environment.of_service(service) for service in environment.services},
        "flower": environment.of_flower(),
        "rabbitmq": {"RABBITMQ_DEFAULT_USER": ADMIN_USER, "RABBITMQ_DEFAULT_PASS": environment.admin_password, "RABBITMQ_DEFAULT_VHOST": VHOST},
        "prepare": as_variables(environment.passwords),
    }
