"""supervisord for one run directory: what it is told, and how one asks it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import Faults, SupervisorTransport

from .environment import inherited
from .errors import PolderError
from .run_directory import RunDirectory, write_private

DAEMON = """\
[supervisord]
nodaemon=true
silent=true
logfile={logs}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile={root}/supervisord.pid
[unix_http_server]
file={socket}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[eventlistener:watch]
command={watch}
events=PROCESS_STATE,TICK_5
stderr_logfile={logs}/watch.log
stderr_logfile_maxbytes=5MB
stderr_logfile_backups=1
"""
# Who dies within `startsecs` of a start is started again with back-off (1, 2, 3 s, then by
# `watch`); who dies later, at once.
PROGRAM = """\
[program:{name}]
command=/bin/sh {script}
autostart=false
autorestart=true
startsecs=5
startretries=3
stopsignal={signal}
stopwaitsecs={seconds}
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=1
"""
GROUP = "[group:{name}]\nprograms={programs}\npriority={priority}\n"
OPEN_SECONDS = 60.0
SHUTDOWN_SECONDS = 180.0
POLL_SECONDS = 0.1
ALIVE = ("STARTING", "RUNNING")


@dataclass(frozen=True)
class Seen:
    """A process as supervisord has it."""

    state: str  # STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL
    pid: int | None
    since: float

    @property
    def alive(self) -> bool:
        """It may be dead, and supervisord not know it yet."""
        return self.state in ALIVE and self.pid is not None and is_running(self.pid)


@dataclass(frozen=True)
class Api:
    """Asks the supervisord of a run directory, from any process and thread. Raises PolderError when
    there is none."""

    run: RunDirectory

    def answers(self) -> bool:
        try:
            self.seen()
        except PolderError:
            return False
        return True

    def seen(self) -> dict[str, Seen]:
        with self._server() as server:
            infos: Any = server.getAllProcessInfo()
        return {one["name"]: _seen(one) for one in infos if one["name"] != "watch"}

    def start(self, name: str, seconds: float = SHUTDOWN_SECONDS) -> None:
        """Begin it, unless it runs. What is still being stopped, perhaps by a command that was
        interrupted, has to end first."""
        deadline = time.monotonic() + seconds
        while self.seen()[name].state == "STOPPING" and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        self._call("startProcess", name)

    def stop(self, names: Sequence[str], seconds: float = SHUTDOWN_SECONDS) -> None:
        """Stop these and keep them down; returns when they have ended. Killed when they take too
        long. May run twice."""
        deadline = time.monotonic() + seconds
        while left := {
            name: one
            for name, one in self.seen().items()
            if name in names and one.state != "STOPPED"
        }:
            for name, one in left.items():
                # given up for the moment: only what was begun can be stopped
                if one.state == "FATAL":
                    self._call("startProcess", name)
                if one.state != "STOPPING":
                    self._call("stopProcess", name)
                    resume(one.pid)
            if time.monotonic() > deadline:
                raise PolderError(f"Not stopped after {seconds:.0f} s: {', '.join(left)}")
            time.sleep(POLL_SECONDS)

    def _call(self, method: str, name: str) -> None:
        with self._server() as server:
            infos: Any = server.getAllProcessInfo()
            [group] = [one["group"] for one in infos if one["name"] == name]
            with suppress(xmlrpc.client.Fault):  # it is so already, or is on its way
                getattr(server, method)(f"{group}:{name}", False)

    @contextmanager
    def _server(self) -> Iterator[Any]:
        transport = SupervisorTransport(None, None, serverurl=f"unix://{self.run.socket}")
        try:
            yield xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor
        except (OSError, HTTPException) as error:
            raise PolderError("Polder does not run here. Start it with: make up") from error
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == Faults.SHUTDOWN_STATE:
                raise PolderError("Polder is being stopped here. Start it with: make up") from fault
            raise
        finally:
            transport.close()


class Supervisor:
    """supervisord as a child of this process. Its programs end with it, and it ends when this
    process does.

    `groups` are stopped from the last to the first, the processes of one at the same time.
    """

    def __init__(self, run: RunDirectory, groups: Mapping[str, Sequence[str]]) -> None:
        self.api = Api(run)
        self._run = run
        self._groups = groups
        self._program: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._program is not None and self._program.poll() is None

    def open(self) -> None:
        """Start it, with nothing running yet. Raises PolderError."""
        configuration = self._run.root / "supervisord.conf"
        write_private(configuration, self._configuration())
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(configuration)]
        with self._run.log("supervisord-start").open("wb") as said:
            self._program = subprocess.Popen(
                ["setpriv", "--pdeathsig=TERM", "--", *command],
                cwd=self._run.root,
                env=inherited(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us to answer
            )
        deadline = time.monotonic() + OPEN_SECONDS
        while not self.api.answers():
            if not self.running or time.monotonic() > deadline:
                why = "\n".join(self._run.tail("supervisord-start"))
                raise PolderError(
                    f"supervisord does not start: {why}\nIts log: {self._run.log('supervisord')}"
                )
            time.sleep(POLL_SECONDS)

    def close(self, *, patient: bool = True) -> None:
        """End it with everything that it runs: in good order, or killed if not `patient`."""
        if self._program is None:
            return
        if self.running:
            self._program.terminate() if patient else self._program.kill()
        try:
            self._program.wait(SHUTDOWN_SECONDS)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait()
        self._program = None
        end_leftovers(self._run)

    def _configuration(self) -> str:
        watch = shlex.join(
            [sys.executable, "-P", str(Path(__file__).with_name("watch.py")), str(self._run.root)]
        )
        folders = {
            "logs": self._run.logs,
            "root": self._run.root,
            "socket": self._run.socket,
            "watch": watch,
        }
        parts = [DAEMON.format(**{name: _escaped(value) for name, value in folders.items()})]
        for priority, (group, names) in enumerate(self._groups.items(), 1):
            parts += [self._program_of(name, group) for name in names]
            parts.append(GROUP.format(name=group, programs=",".join(names), priority=priority))
        return "".join(parts)

    def _program_of(self, name: str, group: str) -> str:
        return PROGRAM.format(
            name=name,
            script=_escaped(shlex.quote(str(self._run.script(name)))),
            log=_escaped(self._run.log(name)),
            # fast: ends the sessions instead of waiting for them
            signal="INT" if group == "postgres" else "TERM",
            seconds=60,
        )


def end_leftovers(run: RunDirectory) -> int:
    """End what an earlier supervisord of this run directory, killed, has left; how many. Waits for
    one that still stops."""
    with suppress(FileNotFoundError, ValueError, psutil.Error):
        old = psutil.Process(int((run.root / "supervisord.pid").read_text()))
        if (
            "supervisor.supervisord" in old.cmdline()
            and str(run.root / "supervisord.conf") in old.cmdline()
        ):
            old.terminate()
            old.wait(SHUTDOWN_SECONDS)
    left = [one for one in psutil.process_iter() if _belongs_to(one, run)]
    for one in left:
        with suppress(psutil.Error):
            one.kill()
    psutil.wait_procs(left, timeout=10)
    for stale in [
        *run.root.glob("*.pid"),
        *run.processes.glob("*.ready"),
        *run.processes.glob("*.starts"),
    ]:
        stale.unlink(missing_ok=True)
    return len(left)


def _belongs_to(process: psutil.Process, run: RunDirectory) -> bool:
    """By the mark that each is born with."""
    try:
        return (
            bool(process.environ().get("POLDER_STACK") == str(run.root))
            and process.pid != os.getpid()
        )
    except psutil.Error:
        return False


def is_running(pid: int) -> bool:
    """Whether the process exists and has not ended; a zombie has."""
    try:
        return bool(psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD))
    except psutil.Error:
        return False


def resume(pid: int | None) -> None:
    """A stopped (SIGSTOP) program would never see that it shall end."""
    with suppress(psutil.Error):
        if pid:
            psutil.Process(pid).resume()


def _seen(info: Mapping[str, Any]) -> Seen:
    return Seen(info["statename"], info["pid"] or None, float(max(info["start"], info["stop"])))


def _escaped(value: object) -> str:
    return str(value).replace("%", "%%")
