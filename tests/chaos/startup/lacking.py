"""Cases: what a machine lacks, or has too much of."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chaos.startup.case import Case, fails, fills, goes_on, said, starts, user_ada
from tests.chaos.startup.machine import Machine

OLD_PYTHON = r"""rm /usr/bin/python3*
printf '#!/bin/sh\n[ "$1" = --version ] && echo Python 3.7.3\nexit 1\n' >/usr/bin/python3
chmod +x /usr/bin/python3"""
# Debian's node, at its usual port.
ANSWERS = (
    """python3 -c 'import socket; socket.create_connection(("127.0.0.1", 5672))' 2>/dev/null"""
)


def lacking() -> Iterator[Case]:
    yield Case("old-python", "python3 is 3.7, and no newer one is there", _old_python, short=True)
    yield Case(
        "no-venv-module",
        "Debian's venv module is not installed; not root",
        _no_venv_module,
        short=True,
    )
    yield Case("no-index", "no .venv and no network", _no_index, network=True)
    yield Case("no-servers", "RabbitMQ is not installed; not root", _no_servers)
    yield Case(
        "no-mirror", "RabbitMQ is not installed; root, and no network", _no_mirror, network=True
    )
    yield Case("port-taken", "another program listens on a port", _port_taken, short=True)
    yield Case(
        "servers-run", "Debian's own PostgreSQL and RabbitMQ run on their usual ports", _servers_run
    )
    yield Case("not-ours", ".run belongs to root; not root", _not_ours, short=True)
    yield Case("runs-already", "make up, while it runs in another terminal", _runs_already)


def _old_python() -> tuple[str, str]:
    with Machine() as machine:
        machine.must("cp /usr/bin/python3.11 /opt/python3.11 && rm -rf .venv")
        machine.must(OLD_PYTHON)
        told = fails(machine, "Python 3.11 or newer is needed, but python3 is: Python 3.7.3")
        fails(machine, "PYTHON=/nowhere is not a working Python 3.11", "make up PYTHON=/nowhere")
        return told, said(
            "Creating .venv with Python 3.11",
            machine.run("PIP_RETRIES=0 make up PYTHON=/opt/python3.11").text,
        )


def _no_venv_module() -> tuple[str, str]:
    with Machine() as machine:
        ada = user_ada(machine)
        machine.must(
            "rm /home/ada/polder/.venv && mkdir /away && mv /usr/lib/python3*/ensurepip /away"
        )
        told = fails(
            machine, "has no venv module. Install it and run again: sudo apt-get", user=ada
        )
        machine.must("mv /away/ensurepip /usr/lib/python3.*/")
        return told, said(
            "Creating .venv with Python 3", machine.run("PIP_RETRIES=0 make up", user=ada).text
        )


def _no_index() -> tuple[str, str]:
    with Machine(network=True) as machine:
        machine.must("rm -rf .venv")
        told = fails(
            machine,
            "Does this machine reach its package index",
            "PIP_RETRIES=0 unshare --net make up",
        )
        return told, fills(machine)


def _no_servers() -> tuple[str, str]:
    with Machine() as machine:
        ada = user_ada(machine)
        machine.must("mv /usr/lib/rabbitmq /usr/lib/away")
        fails(machine, "These packages are missing: rabbitmq-server", user=ada)
        told = fails(
            machine,
            "sudo apt-get update && sudo apt-get install -y --no-install-recommends "
            "rabbitmq-server",
            user=ada,
        )
        machine.must("mv /usr/lib/away /usr/lib/rabbitmq")
        return told, starts(machine, user=ada) + ", without root"


def _no_mirror() -> tuple[str, str]:
    with Machine(network=True) as machine:
        machine.must(
            "dpkg --purge --force-depends rabbitmq-server && apt-get clean && rm -f "
            "/usr/sbin/policy-rc.d"
        )
        machine.must("printf 'Acquire::Retries \"0\";' >/etc/apt/apt.conf.d/99quick")
        told = fails(machine, "Does this machine reach its package mirror", "unshare --net make up")
        again = goes_on(machine)
        # the package has started no node of its own
        machine.must("[ ! -e /usr/sbin/policy-rc.d ]; ! pgrep beam.smp")
        return told, f"RabbitMQ installed; {again}"


def _port_taken() -> tuple[str, str]:
    with Machine() as machine:
        machine.must(
            "python3 -m http.server 8002 --bind 127.0.0.1 >/dev/null 2>&1 & echo $! >/tmp/pid; "
            "sleep 1"
        )
        told = fails(
            machine,
            r"Port 8002 is taken by .*http.server.* \(pid \d+\). Choose another: make up "
            r"INVENTORY_PORT=8012",
        )
        machine.must("kill $(cat /tmp/pid)")
        return told, goes_on(machine)


def _servers_run() -> tuple[str, str]:
    """Nothing has to be said: ours have ports, data and names of their own."""
    with Machine() as machine:
        machine.must(
            "mkdir -p /run/postgresql /run/rabbitmq; chown postgres /run/postgresql; chown "
            "rabbitmq /run/rabbitmq"
        )
        machine.must(
            "pg_lsclusters -h | grep -q . || pg_createcluster $(ls /usr/lib/postgresql) main"
        )
        machine.must(
            "pg_lsclusters -h | while read version name rest; do pg_ctlcluster "
            "--skip-systemctl-redirect $version $name start; done"
        )
        machine.must(
            f"rabbitmq-server -detached >/dev/null 2>&1; i=0; until {ANSWERS}; do sleep 1; "
            "i=$((i+1)); [ $i -lt 200 ] || exit 1; done"
        )
        both = f"pg_lsclusters -h | grep -q online && {ANSWERS}"
        machine.must(both)
        again = starts(machine)
        machine.must(both)
        return (
            "(nothing: ours have ports, data and names of their own)",
            f"{again}; the others still run",
        )


def _not_ours() -> tuple[str, str]:
    with Machine() as machine:
        ada = user_ada(machine)
        machine.must("mkdir /home/ada/polder/.run")
        told = fails(machine, "ada may not write .*polder/.run.* belongs to root", user=ada)
        machine.must("chown -R ada /home/ada/polder/.run")
        return told, goes_on(machine, user=ada)


def _runs_already() -> tuple[str, str]:
    with Machine() as machine:
        first = machine.begin("make up")
        first.until("✓ Databases and roles", 400)
        told = fails(
            machine,
            r"Polder already runs here \(process \d+\). See `make status`; stop it with `make "
            r"down`.",
        )
        said("✓ Stop everything", machine.run("make down").text)
        first.wait()
        return told, goes_on(machine)
