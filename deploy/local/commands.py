"""The make targets without Docker. Each returns the status to exit with."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .environment import alarms_of
from .errors import Cancelled, PolderError
from .leftovers import end_leftovers, holder
from .ports import Ports
from .run_directory import RunDirectory
from .services import SERVICES
from .stack import ROOT, Stack
from .terminal import Terminal

INTERRUPTED = 130
# Each group of processes gets a minute to finish what it has in hand.
DOWN_SECONDS = 240.0
RUNNING = """\
  In another terminal: make status | logs | stop service={one} | start service={one} | down
  Ctrl-C stops everything.
"""


@dataclass(frozen=True)
class Native:
    """On this machine, under the run directory. Raises PolderError."""

    run: RunDirectory
    terminal: Terminal

    def up(self, environ: Mapping[str, str]) -> int:
        """Starts, stays in the foreground, stops on Ctrl-C, SIGTERM or when the terminal goes
        away."""
        alarms = alarms_of(environ, SERVICES)
        ports = Ports.from_environment(environ)
        stack = Stack(self.run.root, ports, extra=alarms, shown=self.terminal.step)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: stack.steps.cancel())
        try:
            stack.start()
        except Cancelled:
            self.terminal.say("\nInterrupted; everything is stopped.")
            return INTERRUPTED
        self.terminal.addresses(self.run.stack_env)
        self.terminal.say(RUNNING.format(one=SERVICES[-1]))
        try:
            stack.wait()
        finally:
            stack.stop()
        self.terminal.say("Stopped. The data is kept; `make up` goes on from here.")
        return 0

    def status(self) -> int:
        try:
            self.terminal.processes(Stack.running_in(self.run.root).processes())
        except PolderError as error:
            self.terminal.say(str(error))
        return 0

    def logs(self, name: str) -> int:
        logs = sorted(self.run.logs.glob("*.log"))
        if not logs:
            raise PolderError("There are no logs yet. Start Polder with: make up")
        if name:
            stack = Stack(self.run.root, Ports.recorded(self.run.ports))
            logs = [self.run.log(process) for process in stack.catalogue.resolve(name)]
        script = Path(__file__).with_name("logs.sh")
        os.execvp("sh", ["sh", str(script), *map(str, logs)])  # noqa: S606 - Ctrl-C included

    def change(self, what: str, name: str) -> int:
        """`what` is stop or start."""
        stack = Stack.running_in(self.run.root)
        with self.terminal.step(f"{what.capitalize()} {', '.join(stack.catalogue.resolve(name))}"):
            (stack.stop_process if what == "stop" else stack.start_process)(name)
        return 0

    def down(self) -> int:
        if (up := holder(self.run)) is None:
            left = end_leftovers(self.run)
            found = f"Ended what was left behind: {left} processes."
            self.terminal.say(found if left else "Polder does not run here; nothing to stop.")
            return 0
        with self.terminal.step("Stop everything"):
            os.kill(up, signal.SIGTERM)
            deadline = time.monotonic() + DOWN_SECONDS
            while holder(self.run) == up:
                if time.monotonic() > deadline:
                    late = f"has not stopped within {DOWN_SECONDS:.0f} s. See {self.run.logs}"
                    raise PolderError(f"`make up` (process {up}) {late}")
                time.sleep(0.1)
        return 0

    def manage(self, service: str, command: Sequence[str]) -> int:
        """A command of a service, with the variables of the stack that was started here, as whom
        it has to run."""
        if not self.run.stack_env.exists():
            raise PolderError("Polder has not been started here. Start it with: make up")
        stack = Stack(self.run.root, Ports.recorded(self.run.ports))
        variables = stack.environment.of_command(service, command[0])
        program = stack.catalogue.manage(service, *command)
        return subprocess.run(program, cwd=ROOT, env=variables, check=False).returncode

    def require_stopped(self) -> None:
        if up := holder(self.run):
            raise PolderError(f"Polder runs here (process {up}). Stop it first with: make down")

    def delete(self) -> None:
        end_leftovers(self.run)
