"""Cases: `make up` killed, interrupted or out of disk in the middle of its work."""

from __future__ import annotations

from collections.abc import Iterator

from tests.chaos.startup.case import (
    STOPPED,
    Case,
    fails,
    fills,
    goes_on,
    interrupt,
    said,
    starts,
    wait,
)
from tests.chaos.startup.machine import Machine

# Conditions of a shell, for `wait`.
INITDB = "$ [ -e .run/postgres/data.new/PG_VERSION ]"
MIGRATE = "$ pgrep -f '[m]anage.py order migrate'"
PIP = "$ pgrep -f '[p]ip install'"
KILL_SUPERVISOR = "kill -9 $(pgrep -f '[p]ython -m deploy up')"


def broken_off() -> Iterator[Case]:
    yield Case("killed-in-pip", "kill -9 while pip fills .venv", _killed_in_pip, network=True)
    yield Case("killed-in-initdb", "kill -9 while the cluster is made", _killed_in_initdb)
    yield Case("killed-in-migrations", "kill -9 while the migrations run", _killed_in_migrations)
    yield Case("ctrl-c-in-venv", "Ctrl-C while .venv is created", _ctrl_c_in_venv, network=True)
    yield Case("ctrl-c-in-pip", "Ctrl-C while pip fills it", _ctrl_c_in_pip, network=True)
    yield Case("ctrl-c-in-apt", "Ctrl-C while apt installs RabbitMQ", _ctrl_c_in_apt, network=True)
    yield Case(
        "ctrl-c-later",
        "Ctrl-C while the cluster is made, in the migrations, and while the processes start",
        _ctrl_c_later,
    )
    yield Case("disk-full-before", "60 MB of disk are free", _disk_full_before, short=True)
    yield Case(
        "disk-full-in-pip",
        "the disk becomes full while pip fills .venv",
        _disk_full_in_pip,
        network=True,
    )
    yield Case(
        "disk-full-in-migrations",
        "the disk becomes full while the migrations run",
        _disk_full_in_migrations,
    )


def _killed_in_pip() -> tuple[str, str]:
    with Machine(network=True) as machine:
        machine.must("rm -rf .venv")
        wait(machine, machine.begin("make status"), PIP)
        machine.must(
            "pkill -9 make; pkill -9 -f '[v]env.sh'; pkill -9 -f '[p]ip install'; [ -e "
            ".venv/.unfinished ]"
        )
        told = said(
            ".venv is unfinished or does not work; it is made anew", machine.run("make status").text
        )
        return told, fills(machine)


def _killed_in_initdb() -> tuple[str, str]:
    with Machine() as machine:
        machine.begin("make up")
        machine.must(
            f"until {INITDB[2:]}; do sleep 0.01; done; {KILL_SUPERVISOR}; [ ! -e "
            ".run/postgres/data ]"
        )
        return "(nothing: it is made anew)", goes_on(machine)


def _killed_in_migrations() -> tuple[str, str]:
    with Machine() as machine:
        wait(machine, machine.begin("make up"), MIGRATE)
        machine.must(f"{KILL_SUPERVISOR}; sleep 1; ! pgrep -f '[m]anage.py order migrate'")
        return "(nothing: migrations are transactions, and go on)", starts(machine)


def _ctrl_c_in_venv() -> tuple[str, str]:
    with Machine(network=True) as machine:
        machine.must("rm -rf .venv")
        told = interrupt(
            machine,
            "Creating .venv",
            "Interrupted. .venv is unfinished; running again makes it anew.",
            "make status",
        )
        return told, fills(machine)


def _ctrl_c_in_pip() -> tuple[str, str]:
    with Machine(network=True) as machine:
        machine.must("rm -rf .venv")
        told = interrupt(
            machine,
            PIP,
            "Interrupted. .venv is unfinished; running again makes it anew.",
            "make status",
        )
        return told, fills(machine)


def _ctrl_c_in_apt() -> tuple[str, str]:
    with Machine(network=True) as machine:
        machine.must("dpkg --purge --force-depends rabbitmq-server && rm -f /usr/sbin/policy-rc.d")
        interrupt(machine, "$ pgrep -f '[a]pt-get update'", STOPPED)
        told = interrupt(
            machine,
            "$ pgrep -f '[d]pkg .*--configure|[d]pkg .*--unpack|[r]abbitmq-server.postinst'",
            STOPPED,
        )
        again = goes_on(machine)
        machine.must("[ ! -e /usr/sbin/policy-rc.d ]; ! pgrep beam.smp")
        return told, again


def _ctrl_c_later() -> tuple[str, str]:
    with Machine() as machine:
        told = interrupt(machine, INITDB, STOPPED)
        interrupt(machine, MIGRATE, STOPPED)
        interrupt(machine, "$ pgrep -f '[m]anage.py shipping beat'", STOPPED)
        return told, starts(machine)


def _disk_full_before() -> tuple[str, str]:
    with Machine() as machine:
        machine.must("rm -rf .run")  # a shop that ran here once needs less
        _leave_free(machine, 60)
        told = fails(
            machine, "The disk is too full: .* and 350 MB are needed. Make room, and run again."
        )
        machine.must("rm /filler")
        return told, goes_on(machine)


def _disk_full_in_pip() -> tuple[str, str]:
    with Machine(network=True) as machine:
        machine.must("rm -rf .venv")
        _leave_free(machine, 100)
        told = fails(
            machine,
            "The disk is full: .* MB are free in .*. Make room, and run again.",
            "make status",
        )
        machine.must("rm /filler")
        return told, fills(machine)


def _disk_full_in_migrations() -> tuple[str, str]:
    with Machine() as machine:
        terminal = machine.begin("make up")
        wait(machine, terminal, MIGRATE)
        _leave_free(machine, 5)
        assert terminal.wait() != 0, terminal.text
        told = said("The disk is full", terminal.text)
        machine.must("rm /filler")
        return told, starts(machine)


def _leave_free(machine: Machine, megabytes: int) -> None:
    size = f"$(($(df --output=avail -B1 / | tail -1) - {megabytes} * 1000000))"
    machine.must(f"fallocate -l {size} /filler || head -c {size} /dev/zero >/filler || true")
