"""Which services there are. `manage.py new-service` adds one."""

from __future__ import annotations

SERVICES: tuple[str, ...] = ("order", "inventory", "shipping")

# What each service runs besides its web process, each as `manage.py <service> <role>`.
ROLES: tuple[str, ...] = ("worker", "housekeeper", "relay", "beat")


def processes_of(service: str) -> list[str]:
    """What `make stop service=` stops."""
    return [f"{service}-{role}" for role in ("web", *ROLES)]
