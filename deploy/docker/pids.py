"""`.run/<container>.pid`, as without Docker: the id on this machine of each container's first process, as long as it runs."""

from __future__ import annotations

import subprocess
import threading
from typing import IO

from deploy.docker.client import Client
from deploy.local.run_directory import RunDirectory, remove

LOOK_SECONDS = 30.0  # at the latest: should an event have been missed
CHANGES = ("start", "die")


class PidFiles:
    """Written anew whenever Docker says that a container of the project began or ended."""

    def __init__(self, run: RunDirectory, client: Client) -> None:
        self._run = run
        self._client = client
        self._changed = threading.Event()

    def follow(self, until: threading.Event) -> None:
        """Block until `until` is set."""
        filters = [f"label=com.docker.compose.project={self._client.project}", "type=container", *(f"event={change}" for change in CHANGES)]
        command = ["docker", "events", "--format", "{{.Status}}", *(f"--filter={one}" for one in filters)]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True) as events:
            assert events.stdout is not None
            threading.Thread(target=self._hear, args=(events.stdout,), daemon=True).start()
            while not until.is_set():
                self._write()
                self._await(until)
            events.kill()

    def remove(self) -> None:
        remove(self._run.root.glob("*.pid"))

    def _await(self, until: threading.Event) -> None:
        for _ in range(int(LOOK_SECONDS / 0.2)):
            if until.wait(0.1) or self._changed.wait(0.1):
                break
        self._changed.clear()

    def _hear(self, events: IO[bytes]) -> None:
        for _ in events:
            self._changed.set()

    def _write(self) -> None:
        there = {one.process: one.pid for one in self._client.containers() if one.pid}
        for path in self._run.root.glob("*.pid"):
            if path.stem not in there:
                path.unlink(missing_ok=True)
        for process, pid in there.items():
            path = self._run.pid(process)
            if not path.exists() or path.read_text() != f"{pid}\n":
                path.write_text(f"{pid}\n")
