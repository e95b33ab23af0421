"""PostgreSQL, RabbitMQ and Erlang, and their Debian packages, for a shop without Docker."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deploy.doctor.ask import ask
from deploy.doctor.finding import Finding, fine, note, wrong
from deploy.local.errors import PolderError
from deploy.local.installed import install_command, missing_packages, postgres_programs, postgres_programs_for

MIRROR = ["-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=5", "-o", "Acquire::https::Timeout=5"]


def servers(root: Path, run_dir: Path) -> Iterator[Finding]:
    missing = missing_packages()
    if "postgresql" not in missing:
        yield _postgres(root, run_dir)
    if "rabbitmq-server" not in missing:
        yield _rabbitmq(root)
    if missing:
        yield from _to_be_installed(missing, root)


def _postgres(root: Path, run_dir: Path) -> Finding:
    data = run_dir / "postgres" / "data"
    try:
        programs = postgres_programs_for(data) if data.exists() else postgres_programs()[0]
    except PolderError as error:
        what, _, mend = str(error).partition(".\n")
        return wrong(what, mend)
    version = ask([str(programs / "postgres"), "--version"], root).text.replace("postgres (PostgreSQL) ", "")
    return fine(f"PostgreSQL {version}")


def _rabbitmq(root: Path) -> Finding:
    packages = ask(["dpkg-query", "--show", "--showformat=${Package} ${Version} ", "rabbitmq-server", "erlang-base"], root)
    if not packages.ok:
        return fine("RabbitMQ is installed")
    named = packages.text.split()
    version = {named[at]: named[at + 1] for at in range(0, len(named), 2)}
    return fine(f"RabbitMQ {version['rabbitmq-server']}, Erlang {version['erlang-base']}")


def _to_be_installed(missing: list[str], root: Path) -> Iterator[Finding]:
    install, names = " ".join(install_command(missing)), " and ".join(missing)
    if shutil.which("apt-get") is None:
        yield wrong(f"{names} missing, and there is no apt-get", "use Debian 12 or Ubuntu, or a virtual machine or container with it")
    elif os.geteuid() != 0:
        yield wrong(f"{names} not installed", f"sudo apt-get update && sudo {install}")
    elif not _mirror_answers(root):
        yield wrong(f"{names} not installed, and the package mirror does not answer", "check the network and /etc/apt, and run again")
    else:
        yield note(f"{names} not installed", "`make up` installs them")


def _mirror_answers(root: Path) -> bool:
    """Asks as apt would, proxies and all, for one file of each source, until one answers."""
    uris = [word.strip("'") for word in ask(["apt-get", "--print-uris", "update"], root).text.split() if word.startswith("'")]
    with tempfile.TemporaryDirectory(prefix="polder-doctor-") as folder:
        return any(ask(["/usr/lib/apt/apt-helper", *MIRROR, "download-file", uri, f"{folder}/list"], root).ok for uri in uris[:3])
