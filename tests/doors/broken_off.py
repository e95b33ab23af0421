"""Windows: `make up` killed, interrupted or out of disk in the middle of its work."""

from __future__ import annotations

from collections.abc import Iterator

from tests.doors.room import Room
from tests.doors.window import STOPPED, Window, fails, fills, goes_on, interrupt, said, starts, wait

# Conditions of a shell, for `wait`.
INITDB = "$ [ -e .run/postgres/data.new/PG_VERSION ]"
MIGRATE = "$ pgrep -f '[m]anage.py order migrate'"
PIP = "$ pgrep -f '[p]ip install'"
KILL_SUPERVISOR = "kill -9 $(pgrep -f '[p]ython -m deploy up')"


def broken_off() -> Iterator[Window]:
    yield Window("killed-in-pip", "kill -9 while pip fills .venv", _killed_in_pip, network=True)
    yield Window("killed-in-initdb", "kill -9 while the cluster is made", _killed_in_initdb)
    yield Window("killed-in-migrations", "kill -9 while the migrations run", _killed_in_migrations)
    yield Window("ctrl-c-in-venv", "Ctrl-C while .venv is created", _ctrl_c_in_venv, network=True)
    yield Window("ctrl-c-in-pip", "Ctrl-C while pip fills it", _ctrl_c_in_pip, network=True)
    yield Window(
        "ctrl-c-in-apt", "Ctrl-C while apt installs RabbitMQ", _ctrl_c_in_apt, network=True
    )
    yield Window(
        "ctrl-c-later",
        "Ctrl-C while the cluster is made, in the migrations, and while the processes start",
        _ctrl_c_later,
    )
    yield Window("disk-full-before", "60 MB of disk are free", _disk_full_before)
    yield Window(
        "disk-full-in-pip",
        "the disk becomes full while pip fills .venv",
        _disk_full_in_pip,
        network=True,
    )
    yield Window(
        "disk-full-in-migrations",
        "the disk becomes full while the migrations run",
        _disk_full_in_migrations,
    )


def _killed_in_pip() -> tuple[str, str]:
    with Room(network=True) as room:
        room.must("rm -rf .venv")
        wait(room, room.begin("make status"), PIP)
        room.must(
            "pkill -9 make; pkill -9 -f '[v]env.sh'; pkill -9 -f '[p]ip install'; [ -e "
            ".venv/.unfinished ]"
        )
        told = said(
            ".venv is unfinished or does not work; it is made anew", room.run("make status").text
        )
        return told, fills(room)


def _killed_in_initdb() -> tuple[str, str]:
    with Room() as room:
        room.begin("make up")
        room.must(
            f"until {INITDB[2:]}; do sleep 0.01; done; {KILL_SUPERVISOR}; [ ! -e "
            ".run/postgres/data ]"
        )
        return "(nothing: it is made anew)", goes_on(room)


def _killed_in_migrations() -> tuple[str, str]:
    with Room() as room:
        wait(room, room.begin("make up"), MIGRATE)
        room.must(f"{KILL_SUPERVISOR}; sleep 1; ! pgrep -f '[m]anage.py order migrate'")
        return "(nothing: migrations are transactions, and go on)", starts(room)


def _ctrl_c_in_venv() -> tuple[str, str]:
    with Room(network=True) as room:
        room.must("rm -rf .venv")
        told = interrupt(
            room,
            "Creating .venv",
            "Interrupted. .venv is unfinished; running again makes it anew.",
            "make status",
        )
        return told, fills(room)


def _ctrl_c_in_pip() -> tuple[str, str]:
    with Room(network=True) as room:
        room.must("rm -rf .venv")
        told = interrupt(
            room,
            PIP,
            "Interrupted. .venv is unfinished; running again makes it anew.",
            "make status",
        )
        return told, fills(room)


def _ctrl_c_in_apt() -> tuple[str, str]:
    with Room(network=True) as room:
        room.must("dpkg --purge --force-depends rabbitmq-server && rm -f /usr/sbin/policy-rc.d")
        interrupt(room, "$ pgrep -f '[a]pt-get update'", STOPPED)
        told = interrupt(
            room,
            "$ pgrep -f '[d]pkg .*--configure|[d]pkg .*--unpack|[r]abbitmq-server.postinst'",
            STOPPED,
        )
        again = goes_on(room)
        room.must("[ ! -e /usr/sbin/policy-rc.d ]; ! pgrep beam.smp")
        return told, again


def _ctrl_c_later() -> tuple[str, str]:
    with Room() as room:
        told = interrupt(room, INITDB, STOPPED)
        interrupt(room, MIGRATE, STOPPED)
        interrupt(room, "$ pgrep -f '[m]anage.py shipping beat'", STOPPED)
        return told, starts(room)


def _disk_full_before() -> tuple[str, str]:
    with Room() as room:
        _leave_free(room, 60)
        told = fails(
            room, "The disk is too full: .* and 350 MB are needed. Make room, and run again."
        )
        room.must("rm /filler")
        return told, goes_on(room)


def _disk_full_in_pip() -> tuple[str, str]:
    with Room(network=True) as room:
        room.must("rm -rf .venv")
        _leave_free(room, 100)
        told = fails(
            room, "The disk is full: .* MB are free in .*. Make room, and run again.", "make status"
        )
        room.must("rm /filler")
        return told, fills(room)


def _disk_full_in_migrations() -> tuple[str, str]:
    with Room() as room:
        terminal = room.begin("make up")
        wait(room, terminal, MIGRATE)
        _leave_free(room, 5)
        assert terminal.wait() != 0, terminal.text
        told = said("The disk is full", terminal.text)
        room.must("rm /filler")
        return told, starts(room)


def _leave_free(room: Room, megabytes: int) -> None:
    size = f"$(($(df --output=avail -B1 / | tail -1) - {megabytes} * 1000000))"
    room.must(f"fallocate -l {size} /filler || head -c {size} /dev/zero >/filler || true")
