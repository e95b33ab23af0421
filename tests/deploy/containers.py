"""compose.yaml, as its tests look at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from deploy.docker import secrets
from deploy.local.run_directory import RunDirectory
from deploy.local.services import SERVICES

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
ALL: dict[str, dict[str, Any]] = COMPOSE["services"]
WATCHING = {name: one for name, one in ALL.items() if one.get("profiles") == ["observability"]}
CONTAINERS = {name: one for name, one in ALL.items() if name not in WATCHING}
DATABASES = [f"{service}-postgres" for service in SERVICES]


def drawn(run: RunDirectory) -> Path:
    """The volumes, as the container `secrets` fills them."""
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
