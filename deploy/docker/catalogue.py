"""The containers, by what they are and by what people call them."""

from __future__ import annotations

import re
from pathlib import Path

from deploy.local.errors import PolderError
from deploy.local.services import ROLES, SERVICES

DATABASES = tuple(f"{service}-postgres" for service in SERVICES)
PROCESSES = {service: tuple(f"{service}-{role}" for role in ("web", *ROLES)) for service in SERVICES} | {"flower": ("flower",)}
ONE_SHOT = "prepare"


def server_images(root: Path) -> list[str]:
    """Those of compose.yaml that are pulled; ours, which has no tag, is built."""
    return sorted(set(re.findall(r"^ *image: (\S+:\S+)$", (root / "compose.yaml").read_text(), re.MULTILINE)))


def names() -> dict[str, tuple[str, ...]]:
    """The containers under each name that `make stop s=` takes: a service's, all databases, or one."""
    groups = {**PROCESSES, "postgres": DATABASES}
    each = [*(name for group in PROCESSES.values() for name in group), *DATABASES, "rabbitmq"]
    return groups | {name: (name,) for name in each}


def resolve(name: str) -> tuple[str, ...]:
    """Raises PolderError, listing the known names, for any other."""
    if name not in names():
        problem = f"There is no service or container called {name}." if name else "Which one? Say s=..."
        raise PolderError(f"{problem} There are:\n  {', '.join(names())}")
    return names()[name]
