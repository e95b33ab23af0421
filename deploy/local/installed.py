"""The servers' programs on this machine, where Debian and Ubuntu put them; never PATH, where anything may be called initdb.

Like all that `deploy.doctor` imports it needs nothing but the standard library of Python 3.8.
"""

from __future__ import annotations

from pathlib import Path

from .errors import PolderError
from .rabbitmq_root import rabbitmq_root

POSTGRES = Path("/usr/lib/postgresql")
# Debian's /usr/sbin/rabbitmq-server insists on the user rabbitmq; the script behind it runs as anyone.
RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
EPMD = Path("/usr/bin/epmd")


def postgres_programs() -> list[Path]:
    """The folders of the installed PostgreSQL servers' programs, newest first."""
    found = [program.parent for program in POSTGRES.glob("*/bin/postgres") if (program.parent / "initdb").exists()]
    return sorted(found, key=lambda programs: float(programs.parent.name), reverse=True)


def postgres_programs_for(data: Path) -> Path:
    """Those of the version that made the cluster in `data`: no other can read it. Raises PolderError when they are gone."""
    version = (data / "PG_VERSION").read_text().strip()
    for programs in postgres_programs():
        if programs.parent.name == version:
            return programs
    raise PolderError(
        f"The data in {data} was made by PostgreSQL {version}, which is not installed any more.\n"
        f"Install postgresql-{version}, or delete all data with: make reset"
    )


def missing_packages() -> list[str]:
    """The Debian packages of the servers that have to be installed."""
    found = {"postgresql": bool(postgres_programs()), "rabbitmq-server": rabbitmq_root() is not None or (RABBITMQ.exists() and EPMD.exists())}
    return [package for package, there in found.items() if not there]


def install_command(packages: list[str]) -> list[str]:
    return ["apt-get", "install", "-y", "--no-install-recommends", *packages]
