"""The passwords that the one-shot container needs, carried to it as variables: its user may not read a file of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deploy.local.passwords import Named
from deploy.local.services import SERVICES

OF_A_SERVICE = ("postgres", "ddl", "app", "amqp", "monitor", "secret key", "secret key 2")


def needed() -> Iterator[str]:
    """The names of all that `prepare` needs."""
    yield from ("admin", "api key", "flower amqp")
    for service in SERVICES:
        yield from (f"{service} {kind}" for kind in OF_A_SERVICE)


def as_variables(passwords: Named) -> dict[str, str]:
    return {_variable(name): passwords[name] for name in needed()}


@dataclass(frozen=True)
class FromVariables:
    """Passwords as `as_variables` handed them over."""

    environ: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.environ[_variable(name)]


def _variable(name: str) -> str:
    return "PASSWORD_" + name.upper().replace(" ", "_")
