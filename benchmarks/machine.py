"""The machine and the versions that something was measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from benchmarks.servers import Servers


def machine(servers: Servers) -> Mapping[str, str]:
    """For a reader: what it is, in words."""
    row = servers.database.execute("SELECT current_setting('server_version')").fetchone()
    assert row is not None
    with servers.broker() as connection:
        rabbitmq = str(connection.server_properties["version"])
    return {
        "processor": f"{os.cpu_count()} cores, {_processor()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "system": f"Linux {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        "PostgreSQL": str(row[0]).partition(" ")[0],
        "RabbitMQ": rabbitmq,
        **{name: version(name) for name in ("Django", "celery", "psycopg")},
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
