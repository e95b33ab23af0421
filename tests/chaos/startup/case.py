"""One case: its cause, what has to be said, and that the same command then works."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.startup.machine import Machine
from tests.chaos.startup.terminal import CTRL_C, Terminal

READY = "Ctrl-C stops everything"
STOPPED = "Interrupted; everything is stopped."
UP_SECONDS = 400.0  # a whole start; a tenth of it on a machine with nothing else to do


@dataclass(frozen=True)
class Case:
    """`play` injects the cause and returns what was said, and what the repeat came to. Raises
    AssertionError when either is wrong."""

    name: str
    cause: str
    play: Callable[[], tuple[str, str]]
    network: bool = False  # fetches packages
    short: bool = False  # `make test` plays it, too


def said(pattern: str, text: str) -> str:
    """The line in which it stands."""
    found = re.search(f".*{pattern}.*", text)
    assert found, f"nothing like {pattern!r} in:\n{text}"
    assert "Traceback" not in text, f"a traceback:\n{text}"
    return found[0].strip()


def fails(machine: Machine, pattern: str, command: str = "make up", *, user: str = "root") -> str:
    """The command ends by itself, with an error, and says so."""
    seen = machine.run(command, user=user)
    assert seen.status != 0, f"{command} did not fail:\n{seen.text}"
    return said(pattern, seen.text)


def interrupt(machine: Machine, when: str, expected: str, command: str = "make up") -> str:
    """Ctrl-C at the moment `when`, see `wait`."""
    terminal = machine.begin(command)
    wait(machine, terminal, when)
    terminal.press(CTRL_C)
    terminal.wait()
    machine.must("! pgrep -f '[m]anage.py|[i]nitdb|[p]ip install|[s]upervisord'")
    return said(expected, terminal.text)


def wait(machine: Machine, terminal: Terminal, when: str) -> None:
    """Until the pattern is shown; or, when it begins with $, until that condition of a shell
    holds.
    """
    if when.startswith("$ "):
        machine.must(
            f"i=0; until {when[2:]}; do sleep 0.02; i=$((i+1)); [ $i -lt 9000 ] || exit 1; done"
        )
    else:
        terminal.until(when)


def goes_on(machine: Machine, *, user: str = "root") -> str:
    """`make up` gets beyond installing, ports and initdb; then it is interrupted, which is quicker
    than to wait for all."""
    terminal = machine.begin("make up", user=user)
    terminal.until("✓ Databases and roles", UP_SECONDS)
    terminal.press(CTRL_C)
    terminal.wait()
    said(STOPPED, terminal.text)
    return "goes on: PostgreSQL runs, databases and roles are there"


def starts(machine: Machine, *, user: str = "root") -> str:
    """`make up` gets as far as its table of addresses, and Ctrl-C stops it."""
    terminal = machine.begin("make up", user=user)
    terminal.until(READY, UP_SECONDS)
    terminal.press(CTRL_C)
    terminal.wait()
    said("Stopped. The data is kept", terminal.text)
    return "starts, everything ready; Ctrl-C stops it"


def fills(machine: Machine) -> str:
    """.venv is made, or completed."""
    seen = machine.run("make status")
    said("Polder does not run here", seen.text)
    machine.must("[ ! -e .venv/.unfinished ] && ls .venv/.holds/*")
    return ".venv is complete"


def user_ada(machine: Machine) -> str:
    """Somebody without rights, with a checkout of her own; the environment is the one of this
    checkout."""
    machine.must(
        "chmod a+x /root; useradd --create-home ada && mkdir /home/ada/polder"
        " && cp -r Makefile manage.py requirements*.txt common deploy *_service /home/ada/polder"
        " && ln -s $PWD/.venv /home/ada/polder/.venv && chown -hR ada: /home/ada"
    )
    return "ada"
