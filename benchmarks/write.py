"""The write comparison: what the outbox costs a use case that writes one aggregate row.

Writers are processes of the order service; each inserts orders of three lines, one in each
transaction, and with it: an outbox row by `publish()`, with the guard on and off, nothing, a row
through the ORM, the leanest INSERT, or a statement that does nothing, which is the least that
anything costs that needs a statement of its own. No relay runs meanwhile. The ways take turns of a
quarter of a second.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from benchmarks.comparison import Comparison
from benchmarks.contender import Contender, ContenderFailed
from benchmarks.drawings import count
from benchmarks.servers import Servers
from benchmarks.writer import CREATE_ORM_OUTBOX, ORM_OUTBOX, READY
from deploy.local.stack import ROOT
from deploy.local.terminal import Terminal

WRITERS = (1, 8)
OURS = Contender("publish()", ("publish",))
NO_OUTBOX = Contender("no outbox", ("nothing",))
UNGUARDED = Contender("publish() without the guard", ("unguarded",))
BY_HAND = Contender("INSERT by hand", ("by_hand",))
BY_ORM = Contender("outbox row by the ORM", ("by_orm",))
EMPTY_STATEMENT = Contender("no outbox, and SELECT 1", ("empty_statement",))


class WriteComparison(Comparison):
    unit = "transactions/s"
    contenders = (OURS, UNGUARDED, NO_OUTBOX, EMPTY_STATEMENT, BY_HAND, BY_ORM)
    aims = {UNGUARDED.name: 0.97, NO_OUTBOX.name: 0.5, BY_HAND.name: 0.7}
    remark = (
        "Each transaction inserts one order of three lines. By hand and by the ORM, what is "
        "written is put together without a contract."
    )

    def __init__(self, servers: Servers, writers: int, seconds: float) -> None:
        self.servers = servers
        self.writers = writers
        self.seconds = seconds
        self.name = f"write-{writers}"
        self.title = f"Write cost, {count(writers)}"
        self.processes: list[subprocess.Popen[str]] = []

    @contextmanager
    def ready(self) -> Iterator[None]:
        self.servers.database.execute(CREATE_ORM_OUTBOX)
        self.processes = [self._start() for _ in range(self.writers)]
        try:
            for process in self.processes:
                self._answer(process, READY)
            yield
        finally:
            for process in self.processes:
                process.kill()
                process.communicate()

    def round(self, label: str, progress: Terminal) -> Mapping[str, Mapping[str, float]]:
        """Transactions a second of all writers together, each way in its own turns."""
        self.servers.reset()
        self.servers.database.execute(f"TRUNCATE orders, {ORM_OUTBOX}")
        self.servers.database.execute("CHECKPOINT")
        with progress.step(f"{label}: all ways by turns"):
            for process in self.processes:
                assert process.stdin is not None
                process.stdin.write(f"{self.seconds}\n")
                process.stdin.flush()
            answers = [json.loads(self._answer(process)) for process in self.processes]
        return {
            contender.name: {
                "rate": sum(answer.get(contender.command[0], 0.0) for answer in answers)
            }
            for contender in self.contenders
        }

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "benchmarks.writer"]
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=dict(self.servers.environment()),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _answer(self, process: subprocess.Popen[str], expected: str = "") -> str:
        assert process.stdout is not None
        answer = process.stdout.readline().strip()
        if not answer or (expected and answer != expected):
            raise ContenderFailed(
                f"a writer ended, or said {answer!r}; what it had to say is above"
            )
        return answer
