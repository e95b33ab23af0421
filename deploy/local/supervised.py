"""The processes of a stack, one by one: begun, waited for, stopped and started again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from .errors import PolderError, Refused, failed
from .leftovers import is_running
from .preflight import disk_is_full
from .processes import Catalogue, Check, ProcessSpec
from .run_directory import RunDirectory, write_private
from .steps import Steps
from .supervisord import ProcessView, Supervisor

READY_SECONDS = 600.0  # of one that is disturbed on purpose, something else may strike meanwhile
POLL_SECONDS = 0.2
REFUSED_SECONDS = 5.0
DEATHS_THAT_ARE_ENOUGH = 4


class Supervised:
    """What supervisord runs, with what it does not know itself: readiness and restarts."""

    def __init__(
        self, run: RunDirectory, steps: Steps, catalogue: Catalogue, supervisor: Supervisor
    ) -> None:
        self.run = run
        self.steps = steps
        self.catalogue = catalogue
        self._supervisor = supervisor
        self._checks: dict[str, Check | None] = {}  # of what is supervised, and how it is ready
        self._refused: dict[str, float] = {}  # since when a server turns us away

    def process(self, name: str) -> ProcessView:
        """`order-worker`, `postgres`, ...: its pid, state, restarts. Raises KeyError for an unknown
        name."""
        return self._view(self._supervisor.seen()[name])

    def processes(self) -> list[ProcessView]:
        """Those that were started, be it that some are stopped now."""
        seen = self._supervisor.seen().values()
        return [self._view(one) for one in seen if self.run.script(one.name).exists()]

    def stop_process(self, name: str) -> None:
        """Stops a process, or all of a service, and keeps it down; returns when it has ended. May
        run twice."""
        self._supervisor.stop(self.catalogue.resolve(name))

    def start_process(self, *names: str, seconds: float = READY_SECONDS) -> None:
        """Starts what was stopped; returns when it is ready. May run twice."""
        processes = [process for name in names for process in self.catalogue.resolve(name)]
        for process in processes:
            if not self.process(process).pid:
                self.run.starts(process).unlink(missing_ok=True)
            self._supervisor.start(process)
        self.wait_supervised(processes, seconds, ignore_crashes=True)

    def supervise(self, specs: Sequence[ProcessSpec]) -> None:
        """Begins them; from now on they are kept running."""
        for spec in specs:
            write_private(self.run.script(spec.name), spec.script())
            self._checks[spec.name] = spec.is_ready
            self._supervisor.start(spec.name)

    def wait_supervised(
        self, names: Sequence[str], seconds: float, *, ignore_crashes: bool = False
    ) -> None:
        """Until each is ready. Raises PolderError when it takes longer or, unless they may, one
        dies again and again; Cancelled; Refused."""
        deadline = time.monotonic() + seconds
        allowed = {name: self._restarts(name) + DEATHS_THAT_ARE_ENOUGH for name in names}
        pending = list(names)
        while True:
            self.steps.check()
            seen = self._supervisor.seen()
            pending = [name for name in pending if not self._is_ready(seen[name])]
            if not pending:
                return
            for name in pending:
                if self._restarts(name) >= allowed[name] and not ignore_crashes:
                    raise self._failure(name, "has ended again and again instead of being ready")
            if time.monotonic() > deadline:
                raise self._failure(pending[0], f"was not ready within {seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def _failure(self, name: str, what: str) -> PolderError:
        return failed(f"{name} {what}.", self.run.log(name), disk_is_full(self.run.logs))

    def _has_begun(self, seen: ProcessView) -> bool:
        """Whether it is past its back-off, and has not died since supervisord looked."""
        with suppress(FileNotFoundError):
            noted = self.run.pid(seen.name).read_text().strip()
            return noted == str(seen.pid) and is_running(int(noted)) and seen.state == "running"
        return False

    def _is_ready(self, seen: ProcessView) -> bool:
        if seen.pid is None or not self._has_begun(seen):
            return False
        if (is_ready := self._checks.get(seen.name)) is None:
            return self.run.ready(seen.name, seen.pid).exists()
        try:
            return is_ready()
        except Refused:  # a server that only begins may not know its users yet
            since = self._refused.setdefault(seen.name, time.monotonic())
            if time.monotonic() - since > REFUSED_SECONDS:
                raise
            return False

    def _view(self, seen: ProcessView) -> ProcessView:
        """Its state as people are told it: stopped, stopping, running (and ready), starting, or
        waiting: it died, and will be started again."""
        state = seen.state
        if state not in ("stopped", "stopping"):
            begun = "starting" if self._has_begun(seen) else "waiting"
            state = "running" if self._is_ready(seen) else begun
        return replace(seen, state=state, restarts=max(0, self._restarts(seen.name)))

    def _restarts(self, name: str) -> int:
        starts = self.run.starts(name)
        return starts.stat().st_size - 1 if starts.exists() else 0
