"""Where everything listens: as the containers see each other, and as this machine sees them."""

from __future__ import annotations

from collections.abc import Mapping

from deploy.local.ports import FIRST_WEB_PORT, HOST, SERVERS, read
from deploy.local.services import SERVICES

FIRST_POSTGRES_PORT = 5440  # natively all services share one server; here each has its own

# What a container listens on, by the name that Environment knows it under.
INSIDE: Mapping[str, str] = {
    **{f"{service}-web": f"{service}-web:8000" for service in SERVICES},
    **{f"{service}-postgres": f"{service}-postgres:5432" for service in SERVICES},
    "rabbitmq": "rabbitmq:5672",
    "rabbitmq-management": "rabbitmq:15672",
    "rabbitmq-prometheus": "rabbitmq:15692",
    "flower": "flower:5555",
}
# The variable that says under which port of this machine it is published, and the default.
PUBLISHED: Mapping[str, tuple[str, int]] = {
    name: published
    for place, service in enumerate(SERVICES)
    for name, published in {
        f"{service}-web": (f"{service.upper()}_PORT", FIRST_WEB_PORT + place),
        f"{service}-postgres": (f"{service.upper()}_POSTGRES_PORT", FIRST_POSTGRES_PORT + place),
    }.items()
} | {
    name: SERVERS[name.replace("-", "_")]
    for name in ("rabbitmq", "rabbitmq-management", "rabbitmq-prometheus", "flower")
}


def published_ports(environ: Mapping[str, str]) -> dict[str, int]:
    """Each port under its variable. Raises PolderError for no port number."""
    return {variable: read(environ, variable, default) for variable, default in PUBLISHED.values()}


def published_addresses(environ: Mapping[str, str]) -> dict[str, str]:
    """Raises PolderError for no port number."""
    ports = published_ports(environ)
    return {name: f"{HOST}:{ports[variable]}" for name, (variable, _) in PUBLISHED.items()}
