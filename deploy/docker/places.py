"""Where everything listens: as the containers see each other, and as this machine sees them."""

from __future__ import annotations

from collections.abc import Mapping

from deploy.local.ports import SERVERS, WEB, Ports
from deploy.local.services import SERVICES

FIRST_POSTGRES_PORT = 5440  # natively all services share one server; here each has its own

# What a container listens on, by the name that Environment knows it under.
INSIDE: Mapping[str, str] = {
    **{service: f"{service}-web:8000" for service in SERVICES},
    **{f"{service}-postgres": f"{service}-postgres:5432" for service in SERVICES},
    "rabbitmq": "rabbitmq:5672",
    "rabbitmq-management": "rabbitmq:15672",
    "rabbitmq-prometheus": "rabbitmq:15692",
    "flower": "flower:5555",
}
# Under which port of this machine it is published, unless its variable says otherwise.
DATABASES = {
    f"{service}-postgres": FIRST_POSTGRES_PORT + place for place, service in enumerate(SERVICES)
}
PUBLISHED: Mapping[str, int] = {name: (WEB | DATABASES | SERVERS)[name] for name in INSIDE}


def published(environ: Mapping[str, str]) -> Ports:
    """Raises PolderError for no port number."""
    return Ports.from_environment(environ, PUBLISHED)
