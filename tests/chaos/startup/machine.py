"""A machine to spoil: everything of this one, with what is written, mounted, listened on and
started kept apart from it.

The root of this machine lies read-only under a writable layer in memory (overlayfs on tmpfs), in
namespaces of the machine's own. Packages can be removed, users made, the disk filled and programs
killed there; when the machine is closed, all of that is gone. Needs root.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
import time
from types import TracebackType
from typing import NamedTuple, Self

import psutil

from deploy.local.ports import Ports
from deploy.local.stack import ROOT
from tests.chaos.startup.terminal import Terminal

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # nobody's own Pythons
NEEDED = ("unshare", "nsenter", "mount", "chroot", "script", "setpriv")
FURNISH = """\
set -e
mount -t tmpfs -o size={megabytes}m tmpfs {place}
mkdir {place}/upper {place}/work {place}/root
mount -t overlay overlay -o lowerdir=/,upperdir={place}/upper,workdir={place}/work {place}/root
cd {place}/root
mount -t proc proc proc
for folder in dev sys; do mount --rbind /$folder $folder; done
mount -t tmpfs tmpfs run
for file in /etc/resolv.conf /etc/hosts; do
    [ ! -e $file ] || cat $file > .$file.new && cat .$file.new > .$file
done
{network}
exec chroot . sleep infinity
"""


class Seen(NamedTuple):
    status: int
    text: str


class Machine:
    """`network`: the machine's own, so that packages can be fetched; else none but loopback.
    `megabytes`: the size of its disk."""

    def __init__(self, *, network: bool = False, megabytes: int = 3000) -> None:
        self.network = network
        self.megabytes = megabytes
        # In the machine's own network the usual ports may be taken.
        self._ports = (
            {name: str(port) for name, port in Ports.free().by_variable().items()}
            if network
            else {}
        )

    def __enter__(self) -> Self:
        self._place = tempfile.TemporaryDirectory(prefix="polder-machine-")
        furnish = FURNISH.format(
            place=self._place.name,
            megabytes=self.megabytes,
            network="" if self.network else "ip link set lo up",
        )
        namespaces = [
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--fork",
            "--kill-child",
            *([] if self.network else ["--net"]),
        ]
        self._unshare = subprocess.Popen(
            ["unshare", *namespaces, "sh", "-c", furnish],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._pid = self._first_process()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._unshare.kill()  # and with it, by the kernel, everything that runs in the machine
        self._unshare.communicate()
        self._place.cleanup()

    def run(self, command: str, *, user: str = "root", seconds: float = 600) -> Seen:
        """A shell command in the checkout, to its end, without a terminal."""
        done = subprocess.run(
            self._inside(command, user),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Seen(done.returncode, done.stdout)

    def must(self, command: str, *, user: str = "root") -> str:
        """The same for what prepares the machine. Raises AssertionError when it fails."""
        seen = self.run(command, user=user)
        assert seen.status == 0, f"{command}: {seen.text}"
        return seen.text

    def begin(self, command: str, *, user: str = "root") -> Terminal:
        """A shell command in the checkout, at a terminal."""
        return Terminal(
            self._inside(
                f"exec script -qec {shlex.quote(f'stty cols 120; {command}')} /dev/null", user
            )
        )

    def _inside(self, command: str, user: str) -> list[str]:
        enter = [
            "nsenter",
            f"--target={self._pid}",
            "--mount",
            "--pid",
            "--net",
            "--root",
            f"--wd=/proc/{self._pid}/root{ROOT}",
        ]
        home = "/root" if user == "root" else f"/home/{user}"
        become = (
            []
            if user == "root"
            else ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
        )
        folder = str(ROOT) if user == "root" else f"{home}/polder"
        environment = {"PATH": PATH, "HOME": home, "USER": user, "LANG": "C.UTF-8", "TERM": "dumb"}
        environment |= self._ports
        variables = [f"{name}={value}" for name, value in environment.items()]
        return [
            *enter,
            *become,
            "env",
            "-i",
            *variables,
            "sh",
            "-c",
            f"cd {shlex.quote(folder)} && {command}",
        ]

    def _first_process(self) -> int:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self._unshare.poll() is None:
            for child in psutil.Process(self._unshare.pid).children():
                if child.name() == "sleep":
                    return child.pid
            time.sleep(0.02)
        self._unshare.kill()
        raise NoMachine(
            "no machine could be made here: "
            f"{self._unshare.stderr.read() if self._unshare.stderr else ''}"
        )


class NoMachine(RuntimeError):
    """This machine does not let us: not root, or no overlayfs."""


def possible() -> str:
    """Why no machine can be made here, or nothing."""
    if os.geteuid() != 0:
        return "needs root"
    try:
        with Machine() as machine:
            return "" if machine.run("true").status == 0 else "the machine does not answer"
    except NoMachine as error:
        return str(error)
